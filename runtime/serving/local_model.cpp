#include "runtime/serving/local_model.h"

#include <filesystem>
#include <tuple>
#include <utility>

#include "runtime/serving/grammar_constraint.h"
#include "runtime/serving/reply_parser.h"

namespace hearth::serving {

// Keeps the exact tokens that the model saw and wrote. A prompt that continues the text so far
// appends to them; any other (an edited message, a template that drops old reasoning) starts over.
class LocalConversation : public Conversation {
 public:
  LocalConversation(LocalModel& owner, TimePoint now) : owner_(owner), now_(now) {}

  void Restore(std::span<const TokenId> tokens) override {
    tokens_.assign(tokens.begin(), tokens.end());
    text_ = owner_.model_->tokenizer().Decode(tokens, true);
  }
  Result<ChatReply> Reply(const ChatRequest& request, const DeltaSink& sink,
                          std::stop_token stop) override;

 private:
  // Brings tokens_ up to the prompt, and notes in the reply what was added.
  void Extend(const RenderedPrompt& prompt, const std::string& text, ChatReply& reply);
  Status Generate(model::RequestId id, ReplyParser& parser, ChatReply& reply, const DeltaSink& sink,
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
  HEARTH_TRY(self->model_, model::Model::Load(path, options.model));
  auto prompts = PromptWriter::Create(self->model_->chat_template(), self->model_->tokenizer());
  if (!prompts.ok()) {
    return MakeError(prompts.error().code, path, ": ", prompts.error().message);
  }
  self->prompts_ = *std::move(prompts);
  HEARTH_TRY(self->engine_, model::Engine::Create(*self->model_, options.engine));
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

Result<std::shared_ptr<const grammar::CompiledGrammar>> LocalModel::ReplyGrammar(
    const ChatRequest& request, bool thinking) {
  const std::string key = DumpJson(
      Json::array({request.tools, static_cast<int>(request.tool_choice), request.parallel_calls,
                   request.response_schema.value_or(Json()), thinking}));
  if (const auto known = grammars_.find(key); known != grammars_.end()) return known->second;
  HEARTH_TRY(const auto grammar, CompileReply(prompts_->format(), request, thinking));
  constexpr size_t kMostGrammars = 64;
  if (grammars_.size() >= kMostGrammars) grammars_.clear();
  grammars_.emplace(key, grammar);
  return grammar;
}

void LocalConversation::Extend(const RenderedPrompt& prompt, const std::string& text,
                               ChatReply& reply) {
  const model::Tokenizer& tokenizer = owner_.model_->tokenizer();
  reply.restarted = text_.empty() || !text.starts_with(text_);
  if (reply.restarted) {
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
  reply.rendered = tokenizer.EncodeRuns(runs);
  const auto bos = tokenizer.bos();
  if (reply.restarted && tokenizer.adds_bos() && bos &&
      (reply.rendered.empty() || reply.rendered.front() != *bos)) {
    reply.rendered.insert(reply.rendered.begin(), *bos);
  }
  tokens_.insert(tokens_.end(), reply.rendered.begin(), reply.rendered.end());
  text_ = text;
}

Result<ChatReply> LocalConversation::Reply(const ChatRequest& request, const DeltaSink& sink,
                                           std::stop_token stop) {
  const std::lock_guard lock(owner_.mutex_);
  const bool has_tools = !request.tools.empty() && !request.response_schema &&
                         request.tool_choice != ToolChoice::kNone;
  HEARTH_TRY(const RenderedPrompt prompt, owner_.prompts_->Write(request, now_));
  const std::string text = prompt.text();
  const bool thinking = owner_.prompts_->LeavesThinkingOpen(text);

  model::GenerationRequest generation;
  generation.sampling = request.sampling;
  generation.max_tokens = request.max_tokens;
  if (!request.tools.empty() || request.response_schema) {
    HEARTH_TRY(const auto grammar, owner_.ReplyGrammar(request, thinking));
    const auto& vocabulary = owner_.vocabulary_.get();
    if (!vocabulary.ok()) return vocabulary.error();
    generation.constraint = std::make_unique<GrammarConstraint>(grammar, *vocabulary,
                                                                owner_.model_->shared_tokenizer());
  }
  ChatReply reply;
  // Nobody stores the tokens of a reply that fails, so they must not count as seen.
  auto before = std::pair(tokens_, text_);
  Extend(prompt, text, reply);
  generation.prompt = tokens_;
  ReplyParser parser(owner_.prompts_->format(), thinking, has_tools, sink);
  const auto generate = [&]() -> Status {
    HEARTH_TRY(const model::RequestId id, owner_.engine_->Submit(std::move(generation)));
    return Generate(id, parser, reply, sink, stop);
  };
  if (const Status status = generate(); !status.ok()) {
    std::tie(tokens_, text_) = std::move(before);
    return status.error();
  }
  reply.message = parser.Finish(reply.reason != model::FinishReason::kStop);
  tokens_.insert(tokens_.end(), reply.generated.begin(), reply.generated.end());
  text_ += reply.message.raw;
  return reply;
}

Status LocalConversation::Generate(model::RequestId id, ReplyParser& parser, ChatReply& reply,
                                   const DeltaSink& sink, std::stop_token stop) {
  model::Detokenizer detokenizer(owner_.model_->tokenizer());
  const auto total = static_cast<uint32_t>(tokens_.size());
  std::vector<model::Event> events;
  bool cancelling = false;
  while (true) {
    if (stop.stop_requested() && !cancelling) {
      owner_.engine_->Cancel(id);
      cancelling = true;
    }
    events.clear();
    if (!owner_.engine_->Step(events)) {
      return MakeError(ErrorCode::kInternal, "the engine lost request ", id);
    }
    for (const model::Event& event : events) {
      if (event.request != id) continue;
      switch (event.kind) {
        case model::Event::Kind::kPrefill:
          if (sink) {
            sink({.kind = ChatDelta::Kind::kPrefill, .done = event.prefilled, .total = total});
          }
          break;
        case model::Event::Kind::kToken:
          reply.generated.push_back(event.token);
          parser.Push(detokenizer.Push(event.token));
          break;
        case model::Event::Kind::kFinished:
          parser.Push(detokenizer.Flush());
          reply.reason = event.reason;
          reply.usage = event.usage;
          if (event.reason == model::FinishReason::kError) return event.error;
          return {};
      }
    }
  }
}

}  // namespace hearth::serving
