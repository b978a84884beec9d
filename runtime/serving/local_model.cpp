#include "runtime/serving/local_model.h"

#include <algorithm>
#include <filesystem>
#include <tuple>
#include <utility>

#include "model/draft_model.h"
#include "runtime/serving/grammar_constraint.h"
#include "runtime/serving/reply_grammar.h"
#include "runtime/serving/thinking_budget.h"

namespace hearth::serving {

namespace {

// Tokens whose bytes have one of the strings in them.
std::vector<TokenId> TokensWithin(const model::Tokenizer& tokenizer,
                                  const std::vector<std::string>& strings) {
  std::vector<TokenId> found;
  for (TokenId id = 0; static_cast<size_t>(id) < tokenizer.size(); ++id) {
    const std::string_view bytes = tokenizer.bytes(id);
    if (std::ranges::any_of(strings, [&](auto& s) { return bytes.find(s) != bytes.npos; })) {
      found.push_back(id);
    }
  }
  return found;
}

// What of a trigger no text holds: a tag alone says so already, a bracket does not.
constexpr size_t kShortestMarker = 3;
std::string MarkerOf(std::string_view trigger) {
  std::string marker = WithoutControlMarks(trigger.substr(0, trigger.find("$name")));
  for (const auto& [open, close] : {std::pair{'<', '>'}, std::pair{'[', ']'}}) {
    if (marker.starts_with(open))
      marker.resize(std::min(marker.find(close), marker.size() - 1) + 1);
  }
  return marker;
}

}  // namespace

// Keeps the exact tokens that the model saw and wrote. A prompt that continues the text so far
// appends to them; any other (an edited message, a template that drops old reasoning) starts over.
class LocalConversation : public Conversation {
 public:
  LocalConversation(LocalModel& owner, TimePoint now) : owner_(owner), now_(now) {}

  void Restore(std::span<const TokenId> tokens) override {
    tokens_.assign(tokens.begin(), tokens.end());
    text_ = owner_.tokenizer().Decode(tokens, true);
  }
  Result<ChatReply> Reply(const ChatRequest& request, const DeltaSink& sink,
                          std::stop_token stop) override;

 private:
  struct Extension {
    std::vector<TokenId> rendered;
    bool restarted = false;
  };
  // Brings tokens_ up to the prompt, and says what was added.
  Extension Extend(const RenderedPrompt& prompt, const std::string& text);
  Result<ChatReply> Generate(const PreparedReply& prepared, const DeltaSink& sink,
                             std::stop_token stop);

  LocalModel& owner_;
  // The whole conversation sees one date: a prompt whose beginning changed would be read anew.
  const TimePoint now_;
  std::vector<TokenId> tokens_;
  std::string text_;  // what tokens_ spell
};

Result<std::unique_ptr<LocalModel>> LocalModel::Load(const std::string& path,
                                                     const LocalModelOptions& options,
                                                     const Clock& clock) {
  std::unique_ptr<LocalModel> self(new LocalModel());
  self->clock_ = &clock;
  self->name_ = std::filesystem::path(path).stem().string();
  model::ModelOptions model_options = options.model;
  if (model_options.context_tokens == 0) {
    model_options.context_tokens = options.engine.context_tokens;
  }
  HEARTH_TRY(self->model_, model::Model::Load(path, model_options));
  const std::string& source =
      options.chat_template.empty() ? self->model_->chat_template() : options.chat_template;
  auto prompts = PromptWriter::Create(source, self->model_->tokenizer());
  if (prompts.ok()) {
    self->prompts_ = *std::move(prompts);
    self->stray_tokens_ = std::make_shared<const std::vector<TokenId>>(
        self->prompts_->format().StrayTokens(self->model_->tokenizer()));
  } else {
    self->why_no_chat_ = {prompts.error().code, Concat(self->name_, ": ", prompts.error().message)};
  }
  model::EngineOptions engine_options = options.engine;
  for (const std::string& adapter : options.adapters) {
    HEARTH_TRY(auto loaded, model::LoraAdapter::Load(adapter, *self->model_));
    self->adapters_.push_back(std::move(loaded));
  }
  if (!options.draft_path.empty()) {
    HEARTH_TRY(auto draft, model::Model::Load(options.draft_path, model_options));
    HEARTH_TRY(engine_options.drafter,
               model::CreateDraftModel(std::move(draft), *self->model_, engine_options.kv_type,
                                       self->model_->config().context_length));
  }
  HEARTH_TRY(auto engine, model::Engine::Create(*self->model_, engine_options));
  self->engine_ = std::make_unique<EngineThread>(std::move(engine), options.max_queue);
  self->grammars_ = std::make_unique<GrammarCache>(options.grammar_cache_bytes);
  self->vocabulary_ = std::async(std::launch::async, [tokenizer = self->model_->shared_tokenizer(),
                                                      size = self->model_->config().vocab_size] {
                        return MakeVocabulary(*tokenizer, size);
                      }).share();
  return self;
}

LocalModel::~LocalModel() = default;

std::unique_ptr<Conversation> LocalModel::StartConversation() {
  return std::make_unique<LocalConversation>(*this, clock_->Now());
}

namespace {

Json AnswerKey(const ChatRequest& request) {
  if (!request.answer_grammar) return {};
  const AnswerGrammar& answer = *request.answer_grammar;
  return {static_cast<int>(answer.kind), answer.text, answer.value};
}

}  // namespace

Result<GrammarCache::Grammar> LocalModel::ReplyGrammar(const ChatFormat& format,
                                                       const ChatRequest& request,
                                                       bool thinking) const {
  const std::string key = DumpJson(
      Json::array({format.name, request.tools, request.callable,
                   static_cast<int>(request.tool_choice), request.parallel_calls,
                   request.response_schema.value_or(Json()), AnswerKey(request), thinking}));
  if (auto known = grammars_->Find(key)) return known;
  HEARTH_TRY(const auto grammar, CompileReply(format, request, thinking));
  grammars_->Insert(key, grammar);
  return grammar;
}

std::vector<TokenId> LocalModel::Encode(const std::vector<model::TextRun>& runs, bool whole) const {
  std::vector<TokenId> tokens = tokenizer().EncodeRuns(runs);
  const auto bos = tokenizer().bos();
  if (whole && tokenizer().adds_bos() && bos && (tokens.empty() || tokens.front() != *bos)) {
    tokens.insert(tokens.begin(), *bos);
  }
  return tokens;
}

Result<PreparedReply> LocalModel::PrepareReply(const ChatRequest& request, const ChatFormat& format,
                                               bool thinking, RequestPart& part) const {
  part = RequestPart::kSampling;
  PreparedReply prepared;
  prepared.sampling = request.sampling;
  for (const auto& [id, bias] : prepared.sampling.logit_bias) {
    if (id < 0 || static_cast<uint32_t>(id) >= config().vocab_size) {
      return MakeError(ErrorCode::kInvalidArgument, "logit_bias: token id ", id,
                       " is outside the vocabulary of ", config().vocab_size);
    }
  }
  if (request.ignore_end) {
    constexpr float kNever = -1000;
    for (const TokenId id : tokenizer().end_of_turn()) {
      prepared.sampling.logit_bias.emplace_back(id, kNever);
    }
  }
  if (prepared.sampling.dry_multiplier > 0) {
    prepared.sampling.dry_breakers = TokensWithin(tokenizer(), request.dry_breakers);
  }
  HEARTH_CHECK_OK(prepared.sampling.Check());
  prepared.max_tokens = request.max_tokens;
  prepared.priority = request.priority;
  if (request.adapter) {
    part = RequestPart::kAdapter;
    if (*request.adapter >= adapters_.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "there is no adapter ", *request.adapter, "; ",
                       adapters_.size(), " are loaded");
    }
    prepared.adapter = adapters_[*request.adapter];
    prepared.adapter_scale = request.adapter_scale;
  }
  prepared.logprobs = request.logprobs;
  prepared.top_logprobs = request.top_logprobs;
  prepared.format = &FormatOfReply(format, request);
  prepared.reading.thinking = thinking;
  prepared.reading.calls = PlaceOfCalls(request);
  prepared.reading.tools = request.tools;
  prepared.reading.stop = request.stop;
  prepared.reading.logprobs = request.logprobs;
  part = RequestPart::kGrammar;
  if (!request.tools.empty() || request.bounds_answer()) {
    HEARTH_TRY(prepared.grammar,
               ReplyGrammar(*prepared.format, request, prepared.reading.thinking));
    const auto& vocabulary = vocabulary_.get();
    if (!vocabulary.ok()) return vocabulary.error();
  } else if (format.has_calls()) {
    // A grammar bars them by itself. Whoever writes the whole prompt may want any token.
    prepared.sampling.barred = stray_tokens_;
  }
  return prepared;
}

Status LocalModel::CheckRoom(const ChatRequest& request, PreparedReply& prepared,
                             RequestPart& part) const {
  part = RequestPart::kLength;
  if (prepared.prompt.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "the prompt is empty");
  }
  if (prepared.prompt.size() >= context_tokens()) {
    return MakeError(ErrorCode::kResourceExhausted, "the prompt has ", prepared.prompt.size(),
                     " tokens, the context of ", name_, " holds ", context_tokens(),
                     "; shorten it or use a model with a longer context");
  }
  part = RequestPart::kThinking;
  const auto room = static_cast<uint32_t>(
      std::min<size_t>(prepared.max_tokens, context_tokens() - prepared.prompt.size()));
  const bool is_order = request.thinking_budget && !request.thinking_budget_is_wish;
  if (is_order && *request.thinking_budget >= room) {
    return MakeError(ErrorCode::kInvalidArgument, "a thinking budget of ", *request.thinking_budget,
                     " tokens leaves no room for an answer: ", room,
                     " tokens may be written in all");
  }
  if (prepared.format->think_end.empty()) return {};
  prepared.thinking_budget = request.thinking_budget;
  if (is_order) return {};
  // What must come out, comes out: a model that would think until the end is stopped before.
  const bool must_answer = request.bounds_answer() || request.tool_choice == ToolChoice::kRequired;
  if (must_answer || prepared.thinking_budget) {
    prepared.thinking_budget =
        std::min(prepared.thinking_budget.value_or(room), room - room / 4 - 1);
  }
  return {};
}

Result<PreparedReply> LocalModel::Prepare(const ChatRequest& request, RequestPart& part) const {
  part = RequestPart::kMessages;
  if (!prompts_) return why_no_chat_;
  HEARTH_TRY(const RenderedPrompt prompt, prompts_->Write(request, clock_->Now()));
  // A model that was not trained to use tools goes on calling them for ever: left to itself, it
  // answers once it has seen a result.
  const bool answers = !knows_tools() && request.tool_choice == ToolChoice::kAuto &&
                       !request.messages.empty() && request.messages.back().role == Role::kTool;
  ChatRequest answer;
  if (answers) {
    answer = request;
    answer.tool_choice = ToolChoice::kNone;
  }
  HEARTH_TRY(PreparedReply prepared,
             PrepareReply(answers ? answer : request, prompts_->format(),
                          prompts_->LeavesThinkingOpen(prompt.text()), part));
  std::vector<model::TextRun> runs;
  for (const auto& run : prompt.runs) runs.push_back({run.text, run.trusted});
  prepared.prompt = Encode(runs, true);
  HEARTH_CHECK_OK(CheckRoom(request, prepared, part));
  return prepared;
}

Result<PreparedReply> LocalModel::PrepareText(std::string_view text, const ChatRequest& request,
                                              RequestPart& part) const {
  return PrepareTokens(tokenizer().Encode(text, {.parse_special = true, .add_bos = std::nullopt}),
                       request, part);
}

Result<PreparedReply> LocalModel::PrepareTokens(std::vector<TokenId> tokens,
                                                const ChatRequest& request,
                                                RequestPart& part) const {
  HEARTH_TRY(PreparedReply prepared, PrepareReply(request, PlainTextFormat(), false, part));
  prepared.prompt = std::move(tokens);
  part = RequestPart::kMessages;
  for (const TokenId id : prepared.prompt) {
    if (id < 0 || static_cast<uint32_t>(id) >= config().vocab_size) {
      return MakeError(ErrorCode::kInvalidArgument, "token id ", id,
                       " is outside the vocabulary of ", config().vocab_size);
    }
  }
  HEARTH_CHECK_OK(CheckRoom(request, prepared, part));
  return prepared;
}

Result<std::unique_ptr<EventStream>> LocalModel::Start(const PreparedReply& prepared, uint64_t seed,
                                                       EngineThread::Waker waker) const {
  model::GenerationRequest request;
  request.prompt = prepared.prompt;
  request.sampling = prepared.sampling;
  request.sampling.seed = seed;
  request.max_tokens = prepared.max_tokens;
  request.priority = prepared.priority;
  request.adapter = prepared.adapter;
  request.adapter_scale = prepared.adapter_scale;
  request.logprobs = prepared.logprobs;
  request.top_logprobs = prepared.top_logprobs;
  if (prepared.grammar) {
    request.constraint = std::make_unique<GrammarConstraint>(
        prepared.grammar, *vocabulary_.get(), model_->shared_tokenizer(), prepared.forced_runs);
  }
  if (prepared.thinking_budget) {
    request.constraint = std::make_unique<ThinkingBudget>(
        std::move(request.constraint), model_->shared_tokenizer(), *prepared.format,
        prepared.reading.thinking, *prepared.thinking_budget);
  }
  return engine_->Submit(std::move(request), std::move(waker));
}

std::vector<std::string> LocalModel::call_markers() const {
  std::vector<std::string> markers;
  if (!prompts_) return markers;
  for (const ChatFormat::Region& region : prompts_->format().regions) {
    for (const std::string& trigger : region.triggers) {
      std::string marker = MarkerOf(trigger);
      if (marker.size() >= kShortestMarker && std::ranges::count(markers, marker) == 0) {
        markers.push_back(std::move(marker));
      }
    }
  }
  return markers;
}

std::unique_ptr<ReplyReader> LocalModel::MakeReader(const PreparedReply& prepared,
                                                    DeltaSink sink) const {
  ReplyReaderOptions reading = prepared.reading;
  reading.prompt_tokens = static_cast<uint32_t>(prepared.prompt.size());
  return std::make_unique<ReplyReader>(tokenizer(), *prepared.format, std::move(reading),
                                       std::move(sink));
}

LocalConversation::Extension LocalConversation::Extend(const RenderedPrompt& prompt,
                                                       const std::string& text) {
  Extension added;
  added.restarted = text_.empty() || !text.starts_with(text_);
  if (added.restarted) {
    text_.clear();
    tokens_.clear();
  }
  std::vector<model::TextRun> runs;
  size_t skip = text_.size();
  for (const auto& run : prompt.runs) {
    const size_t skipped = std::min(skip, run.text.size());
    skip -= skipped;
    if (skipped < run.text.size()) {
      runs.push_back({std::string_view(run.text).substr(skipped), run.trusted});
    }
  }
  added.rendered = owner_.Encode(runs, added.restarted);
  tokens_.insert(tokens_.end(), added.rendered.begin(), added.rendered.end());
  text_ = text;
  return added;
}

Result<ChatReply> LocalConversation::Reply(const ChatRequest& request, const DeltaSink& sink,
                                           std::stop_token stop) {
  if (!owner_.prompts_) return owner_.why_no_chat_;
  const PromptWriter& prompts = *owner_.prompts_;
  HEARTH_TRY(const RenderedPrompt prompt, prompts.Write(request, now_));
  const std::string text = prompt.text();
  RequestPart part;
  HEARTH_TRY(PreparedReply prepared, owner_.PrepareReply(request, prompts.format(),
                                                         prompts.LeavesThinkingOpen(text), part));
  // Nobody stores the tokens of a reply that fails, so they must not count as seen.
  auto before = std::pair(tokens_, text_);
  Extension added = Extend(prompt, text);
  prepared.prompt = tokens_;
  const Status fits = owner_.CheckRoom(request, prepared, part);
  auto reply = fits.ok() ? Generate(prepared, sink, stop) : Result<ChatReply>(fits.error());
  if (!reply.ok()) {
    std::tie(tokens_, text_) = std::move(before);
    return reply;
  }
  reply->rendered = std::move(added.rendered);
  reply->restarted = added.restarted;
  tokens_.insert(tokens_.end(), reply->generated.begin(), reply->generated.end());
  text_ += reply->message.raw;
  return reply;
}

Result<ChatReply> LocalConversation::Generate(const PreparedReply& prepared, const DeltaSink& sink,
                                              std::stop_token stop) {
  const auto reader = owner_.MakeReader(prepared, [&](const ChatDelta& delta) {
    if (sink) sink(delta);
  });
  HEARTH_TRY(const auto stream, owner_.Start(prepared, prepared.sampling.seed));
  const std::stop_callback cancel(stop, [&] { stream->Cancel(); });
  std::vector<model::Event> events;
  while (!reader->finished()) {
    stream->Wait();
    events.clear();
    stream->Take(events);
    for (const model::Event& event : events) reader->Push(event);
    if (reader->stopped()) stream->Cancel();
  }
  return reader->Take();
}

}  // namespace hearth::serving
