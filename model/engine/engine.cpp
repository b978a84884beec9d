#include "model/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "model/backend/backend.h"
#include "model/engine/scheduler.h"
#include "model/engine/speculator.h"
#include "model/engine/step_choices.h"
#include "model/engine/step_cost.h"
#include "model/transformer/transformer.h"

namespace hearth::model {
namespace {

// A pass that only reads lasts about so long: a request that comes then waits for no more.
constexpr double kLongestReading = 0.25;
// Read in each pass, however slow that is.
constexpr uint32_t kLeastRead = kBlockTokens;
constexpr uint32_t kLeastReadAlone = 64;

double SystemSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

struct Engine::State {
  State(Model& m, const EngineOptions& o, std::unique_ptr<KvStorage> storage, uint32_t n_blocks)
      : model(m),
        options(o),
        kv(std::move(storage)),
        allocator(n_blocks),
        cache(allocator, *kv),
        scheduler({.max_sequences = o.max_sequences, .max_batch_tokens = o.max_batch_tokens},
                  allocator, cache),
        speculator({.lookup = o.prompt_lookup, .drafter = o.drafter.get(), .now = o.now}, cost) {}

  using Events = std::vector<Event>;

  void DropCancelled(Events& events);
  void Admit(Events& events);
  uint32_t ReadRoom() const;
  void BuildBatch();
  Status RunBatch();
  // Takes in what the pass gave a sequence: `n_heads` heads from `head` on, that of its last token
  // and of each of its draft.
  void Follow(const Scheduler::Slice& slice, size_t head, size_t n_heads, Events& events);
  // The next token, which the constraint has then accepted unless it ends the text.
  Result<Event> NextToken(Sequence& sequence, size_t head);
  // The same, drawn here. `refused`: what the constraint did not accept though it was chosen, or
  // -1.
  Result<Event> Sample(Sequence& sequence, size_t head, TokenId refused);
  // True where the sequence goes on, or ends, with the token.
  static bool Takes(Sequence& sequence, TokenId token);
  Result<std::span<float>> Logits(size_t head);
  // Draws what follows the last token; true where the sequence ended with it.
  bool Advance(Sequence& sequence, size_t head, Events& events);
  bool Append(Sequence& sequence, Event drawn, Events& events);  // likewise
  void Finish(Sequence& sequence, FinishReason reason, Events& events, TokenId stop_token = -1,
              Error error = {});

  // Ends every request with an error: the device is lost.
  void FinishAll(const Error& error, Events& events);

  size_t vocab() const { return model.config().vocab_size; }
  // Tokens of a slice of which logits are wanted. Its sequence has not followed the pass yet.
  static size_t HeadsOf(const Scheduler::Slice& slice) {
    const Sequence& sequence = *slice.sequence;
    return slice.count == sequence.pending() ? 1 + sequence.draft.size() : 0;
  }

  template <typename Visit>
  void ForEach(Visit visit) {
    for (const auto& sequence : scheduler.waiting()) visit(*sequence);
    for (const auto& sequence : scheduler.running()) visit(*sequence);
  }

  Model& model;
  EngineOptions options;
  std::unique_ptr<KvStorage> kv;
  BlockAllocator allocator;
  RadixCache cache;
  Scheduler scheduler;
  StepCost cost;
  Speculator speculator;
  RequestId next_id = 1;
  EngineStats stats;

  // The batch of a step; the memory is kept from step to step.
  std::vector<Sequence*> admitted;
  std::vector<Scheduler::Slice> plan;
  std::vector<TokenId> tokens;
  std::vector<BatchSequence> slices;
  std::vector<uint32_t> heads;
  std::vector<float> logits;  // of all heads, or of the one that was read last
  StepChoices choices;
  std::vector<TokenId> forced;
  std::vector<float> unchanged;  // logits before bias and penalties
};

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::Create(Model& model, const EngineOptions& options) {
  constexpr uint32_t kLongestByDefault = 32768;
  constexpr uint32_t kContextsByDefault = 4;
  EngineOptions actual = options;
  const uint32_t trained = model.config().context_length;
  if (actual.context_tokens > trained) {
    return MakeError(ErrorCode::kInvalidArgument, "a context of ", actual.context_tokens,
                     " tokens: the model was trained for ", trained);
  }
  if (actual.max_sequences == 0 || actual.max_batch_tokens == 0) {
    return MakeError(ErrorCode::kInvalidArgument, "max_sequences is ", actual.max_sequences,
                     " and max_batch_tokens ", actual.max_batch_tokens,
                     "; both must be at least 1");
  }
  Backend& backend = model.transformer().backend();
  const size_t block_bytes = backend.KvBlockBytes(actual.kv_type);
  const uint64_t most_tokens =
      actual.kv_bytes == 0 ? std::numeric_limits<uint32_t>::max()
                           : std::min<uint64_t>(actual.kv_bytes / block_bytes * kBlockTokens,
                                                std::numeric_limits<uint32_t>::max());
  if (actual.context_tokens == 0) {
    actual.context_tokens = static_cast<uint32_t>(
        std::min<uint64_t>(std::min(trained, kLongestByDefault), most_tokens));
  }
  if (actual.context_tokens > most_tokens || most_tokens < kBlockTokens) {
    return MakeError(ErrorCode::kResourceExhausted, "a KV memory of ", actual.kv_bytes >> 20,
                     " MiB holds ", most_tokens, " tokens (", block_bytes / kBlockTokens,
                     " bytes each); a context of ", actual.context_tokens, " tokens takes ",
                     (BlockTable::BlocksFor(actual.context_tokens) * block_bytes >> 20) + 1,
                     " MiB: raise it, shorten the context, or store KV as q8_0");
  }
  if (actual.kv_tokens == 0) actual.kv_tokens = kContextsByDefault * actual.context_tokens;
  actual.kv_tokens = std::max(actual.kv_tokens, actual.context_tokens);
  actual.kv_tokens = static_cast<uint32_t>(std::min<uint64_t>(actual.kv_tokens, most_tokens));
  if (!actual.now) actual.now = SystemSeconds;
  const uint32_t n_blocks = BlockTable::BlocksFor(actual.kv_tokens);
  const auto host_blocks = static_cast<uint32_t>(std::min<uint64_t>(
      actual.kv_host_bytes / block_bytes, std::numeric_limits<HostBlock>::max() - n_blocks));
  HEARTH_TRY(auto kv, backend.CreateKv(n_blocks, host_blocks, actual.kv_type));
  std::unique_ptr<Engine> engine(
      new Engine(std::make_unique<State>(model, actual, std::move(kv), n_blocks)));
  engine->state_->stats.kv_bytes_per_block = block_bytes;
  return engine;
}

uint32_t Engine::context_tokens() const { return state_->options.context_tokens; }
uint32_t Engine::max_sequences() const { return state_->options.max_sequences; }
size_t Engine::running() const { return state_->scheduler.running().size(); }
size_t Engine::waiting() const {
  return static_cast<size_t>(
      std::ranges::count_if(state_->scheduler.waiting(), [](const auto& s) { return !s->paused; }));
}

const Status& Engine::drafter_status() const { return state_->speculator.drafter_status(); }

EngineStats Engine::stats() const {
  const State& s = *state_;
  EngineStats stats = s.stats;
  stats.kv_blocks = s.allocator.capacity();
  stats.kv_blocks_free = s.allocator.free();
  stats.kv_blocks_cached = static_cast<uint32_t>(s.cache.blocks());
  stats.kv_host_blocks = s.cache.host_blocks();
  stats.kv_host_blocks_used = s.cache.host_blocks_used();
  stats.kv_blocks_on_host = static_cast<uint32_t>(s.cache.spilled_blocks());
  stats.kv_blocks_spilled = s.cache.counts().spilled;
  stats.kv_blocks_restored = s.cache.counts().restored;
  stats.kv_blocks_lost = s.cache.counts().lost;
  for (const auto& sequence : s.scheduler.running()) {
    stats.kv_tokens_held += sequence->computed;
    stats.kv_blocks_held += static_cast<uint32_t>(sequence->table.blocks().size());
  }
  stats.preemptions = s.scheduler.preemptions();
  return stats;
}

Result<RequestId> Engine::Submit(GenerationRequest request) {
  State& s = *state_;
  HEARTH_CHECK_OK(request.sampling.Check());
  if (request.prompt.empty()) return MakeError(ErrorCode::kInvalidArgument, "the prompt is empty");
  if (request.max_tokens == 0) return MakeError(ErrorCode::kInvalidArgument, "max_tokens is 0");
  const uint32_t vocab = s.model.config().vocab_size;
  for (TokenId id : request.prompt) {
    if (id < 0 || static_cast<uint32_t>(id) >= vocab) {
      return MakeError(ErrorCode::kInvalidArgument, "token id ", id,
                       " is outside the vocabulary of ", vocab);
    }
  }
  if (request.prompt.size() >= s.options.context_tokens) {
    return MakeError(ErrorCode::kResourceExhausted, "the prompt has ", request.prompt.size(),
                     " tokens, the context holds ", s.options.context_tokens,
                     "; shorten it or use a model with a longer context");
  }
  if (!std::isfinite(request.adapter_scale) || std::abs(request.adapter_scale) > 100) {
    return MakeError(ErrorCode::kInvalidArgument, "adapter_scale: ", request.adapter_scale,
                     " is not between -100 and 100");
  }
  if (request.adapter_scale == 0) request.adapter = nullptr;
  const auto room = s.options.context_tokens - static_cast<uint32_t>(request.prompt.size());
  request.max_tokens = std::min(request.max_tokens, room);
  if (request.stop_tokens.empty()) request.stop_tokens = s.model.tokenizer().end_of_turn();
  s.scheduler.Add(std::make_unique<Sequence>(s.next_id, std::move(request), s.allocator));
  return s.next_id++;
}

void Engine::Cancel(RequestId id) {
  state_->ForEach([&](Sequence& sequence) { sequence.cancelled |= sequence.id == id; });
}

void Engine::SetPaused(RequestId id, bool paused) {
  state_->ForEach([&](Sequence& sequence) {
    if (sequence.id == id) sequence.paused = paused;
  });
}

void Engine::State::Finish(Sequence& sequence, FinishReason reason, Events& events,
                           TokenId stop_token, Error error) {
  Event event;
  event.request = sequence.id;
  event.kind = Event::Kind::kFinished;
  event.reason = reason;
  event.stop_token = stop_token;
  event.usage = sequence.usage;
  event.error = std::move(error);
  events.push_back(std::move(event));
  speculator.Forget(sequence);
  scheduler.Remove(sequence);
}

void Engine::State::FinishAll(const Error& error, Events& events) {
  while (true) {
    Sequence* any = nullptr;
    ForEach([&](Sequence& sequence) { any = &sequence; });
    if (any == nullptr) return;
    Finish(*any, FinishReason::kError, events, -1, error);
  }
}

void Engine::State::DropCancelled(Events& events) {
  while (true) {
    Sequence* cancelled = nullptr;
    ForEach([&](Sequence& sequence) {
      if (sequence.cancelled) cancelled = &sequence;
    });
    if (cancelled == nullptr) return;
    Finish(*cancelled, FinishReason::kCancelled, events);
  }
}

void Engine::State::Admit(Events& events) {
  admitted.clear();
  scheduler.Admit(admitted);
  for (Sequence* sequence : admitted) {
    if (sequence->preempted) continue;
    for (TokenId token : sequence->tokens) sequence->sampler.Observe(token, false);
    const uint32_t longest = sequence->length() + sequence->max_tokens;
    sequence->tokens.reserve(longest);
    sequence->table.ReserveList(longest + Speculation::kMostGuesses);
    Event event;
    event.request = sequence->id;
    event.kind = Event::Kind::kPrefill;
    event.prefilled = sequence->computed;
    events.push_back(event);
  }
}

uint32_t Engine::State::ReadRoom() const {
  uint32_t decoding = 0;
  for (const auto& sequence : scheduler.running()) {
    if (!sequence->reading && !sequence->paused) decoding += sequence->pending();
  }
  const uint32_t most = options.max_batch_tokens;
  const double longest = decoding == 0 ? kLongestReading : options.max_stall_seconds;
  const uint32_t least = std::min(most, decoding == 0 ? kLeastReadAlone : kLeastRead);
  return std::max(least, cost.MostWithin(longest, decoding, most));
}

void Engine::State::BuildBatch() {
  tokens.clear();
  slices.clear();
  heads.clear();
  for (const Scheduler::Slice& slice : plan) {
    const Sequence& sequence = *slice.sequence;
    const auto first = static_cast<uint32_t>(tokens.size());
    const auto begin = sequence.tokens.begin() + sequence.computed;
    tokens.insert(tokens.end(), begin, begin + slice.count);
    tokens.insert(tokens.end(), sequence.draft.begin(), sequence.draft.end());
    const auto count = static_cast<uint32_t>(tokens.size()) - first;
    slices.push_back({.first = first,
                      .count = count,
                      .start = sequence.computed,
                      .blocks = sequence.table.blocks(),
                      .adapter = sequence.adapter ? &sequence.adapter->weights() : nullptr,
                      .adapter_scale = sequence.adapter_scale});
    if (slice.count < sequence.pending()) continue;
    for (uint32_t i = slice.count - 1; i < count; ++i) heads.push_back(first + i);
  }
}

Status Engine::State::RunBatch() {
  const bool chooses = model.transformer().backend().Chooses();
  const size_t rows = chooses ? 1 : heads.size();
  if (logits.size() < rows * vocab()) logits.resize(rows * vocab());
  choices.Begin(heads.size());
  const std::function<void(TokenChooser&)> choose = [this](TokenChooser& chooser) {
    size_t head = 0;
    for (const Scheduler::Slice& slice : plan) {
      const size_t n_heads = HeadsOf(slice);
      if (n_heads > 0) choices.Tell(*slice.sequence, head, chooser);
      head += n_heads;
    }
  };
  const double start = options.now();
  HEARTH_CHECK_OK(model.transformer().Forward(*kv, {.tokens = tokens,
                                                    .sequences = slices,
                                                    .heads = heads,
                                                    .logits = logits.data(),
                                                    .choose = chooses ? &choose : nullptr,
                                                    .chosen = choices.chosen()}));
  cost.Observe(static_cast<uint32_t>(tokens.size()), options.now() - start);
  ++stats.steps;
  return {};
}

bool Engine::State::Append(Sequence& sequence, Event drawn, Events& events) {
  sequence.tokens.push_back(drawn.token);
  sequence.sampler.Observe(drawn.token, true);
  ++sequence.usage.completion_tokens;
  sequence.usage.forced_tokens += drawn.forced;
  drawn.request = sequence.id;
  drawn.kind = Event::Kind::kToken;
  events.push_back(std::move(drawn));
  if (sequence.usage.completion_tokens < sequence.max_tokens) return false;
  Finish(sequence, FinishReason::kLength, events);
  return true;
}

bool Engine::State::Takes(Sequence& sequence, TokenId token) {
  return std::ranges::find(sequence.stop_tokens, token) != sequence.stop_tokens.end() ||
         !sequence.constraint || sequence.constraint->Accept(token);
}

Result<std::span<float>> Engine::State::Logits(size_t head) {
  Backend& backend = model.transformer().backend();
  if (!backend.Chooses()) return std::span(logits).subspan(head * vocab(), vocab());
  const auto row = std::span(logits).first(vocab());
  if (const Status read = backend.ReadLogits(head, row); !read.ok()) {
    stats.device_lost |= read.error().code == ErrorCode::kIo;
    return read.error();
  }
  return row;
}

Result<Event> Engine::State::NextToken(Sequence& sequence, size_t head) {
  const TokenId chosen = choices.token(head);
  if (chosen < 0) return Sample(sequence, head, -1);
  if (choices.asked(head)) sequence.sampler.Drew();
  if (!Takes(sequence, chosen)) {
    choices.Refused(head);
    return Sample(sequence, head, chosen);
  }
  Event drawn;
  drawn.token = chosen;
  return drawn;
}

Result<Event> Engine::State::Sample(Sequence& sequence, size_t head, TokenId refused) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  TokenSet allowed;
  const bool constrained = sequence.constraint && !sequence.constraint->IsFree();
  if (constrained) HEARTH_CHECK_OK(sequence.constraint->Fill(allowed));
  HEARTH_TRY(const std::span<float> scores, Logits(head));
  if (sequence.logprobs) {
    sequence.sampler.Bar(scores);
    unchanged.assign(scores.begin(), scores.end());
  }
  if (!choices.asked(head)) sequence.sampler.Adjust(scores);
  if (refused >= 0) scores[static_cast<size_t>(refused)] = kNever;
  Event drawn;
  while (true) {
    drawn.token = sequence.sampler.Draw(scores, constrained ? &allowed : nullptr);
    // A set that was too costly to make exactly may hold tokens that are then refused.
    if (Takes(sequence, drawn.token)) break;
    float& score = scores[static_cast<size_t>(drawn.token)];
    if (score == kNever) {
      return MakeError(ErrorCode::kInternal, "the constraint refused every token that it allowed");
    }
    score = kNever;
  }
  if (sequence.logprobs) {
    const LogProbabilities probabilities(unchanged);
    drawn.logprob = probabilities.Of(drawn.token);
    for (const TokenId id : probabilities.Likeliest(sequence.top_logprobs)) {
      drawn.top.push_back({id, probabilities.Of(id)});
    }
  }
  return drawn;
}

bool Engine::State::Advance(Sequence& sequence, size_t head, Events& events) {
  Result<Event> next = NextToken(sequence, head);
  if (!next.ok()) {
    Finish(sequence, FinishReason::kError, events, -1, next.error());
    return true;
  }
  Event drawn = *std::move(next);
  if (std::ranges::find(sequence.stop_tokens, drawn.token) != sequence.stop_tokens.end()) {
    Finish(sequence, FinishReason::kStop, events, drawn.token);
    return true;
  }
  if (Append(sequence, std::move(drawn), events)) return true;
  if (!sequence.constraint) return false;
  forced.clear();
  sequence.constraint->ForcedRun(forced);
  for (const TokenId next : forced) {
    if (!sequence.constraint->Accept(next)) break;
    Event dictated;
    dictated.token = next;
    dictated.forced = true;
    if (Append(sequence, std::move(dictated), events)) return true;
  }
  return false;
}

void Engine::State::Follow(const Scheduler::Slice& slice, size_t head, size_t n_heads,
                           Events& events) {
  Sequence& sequence = *slice.sequence;
  const bool was_reading = sequence.reading;
  scheduler.Computed(sequence, sequence.computed + slice.count);
  if (was_reading && sequence.usage.completion_tokens == 0) {
    Event event;
    event.request = sequence.id;
    event.kind = Event::Kind::kPrefill;
    event.prefilled = sequence.computed;
    events.push_back(event);
  }
  if (n_heads == 0) return;
  const uint32_t length = sequence.length();
  const size_t n_guesses = sequence.draft.size();
  stats.guessed_tokens += n_guesses;
  // Each token is drawn as it would be without guesses; a guess that it equals has its KV and its
  // logits already.
  for (size_t at = 0; !Advance(sequence, head + at, events);) {
    const size_t before = at;
    while (at < n_guesses && sequence.pending() > 0 &&
           sequence.tokens[sequence.computed] == sequence.draft[at]) {
      ++sequence.computed;
      ++at;
    }
    stats.accepted_tokens += at - before;
    if (sequence.pending() == 0) continue;
    speculator.Learn(sequence, length);
    sequence.draft.clear();
    return;
  }
}

bool Engine::Step(std::vector<Event>& events) {
  State& s = *state_;
  s.DropCancelled(events);
  s.Admit(events);
  s.speculator.Propose(s.scheduler.running());
  s.scheduler.Plan(s.ReadRoom(), s.plan);
  if (s.plan.empty()) return !events.empty();
  s.BuildBatch();
  if (const Status ran = s.RunBatch(); !ran.ok()) {
    s.stats.device_lost = ran.error().code == ErrorCode::kIo;
    s.FinishAll(ran.error(), events);
    return true;
  }
  size_t head = 0;
  for (const Scheduler::Slice& slice : s.plan) {
    const size_t n_heads = State::HeadsOf(slice);
    s.Follow(slice, head, n_heads, events);
    head += n_heads;
  }
  return true;
}

}  // namespace hearth::model
