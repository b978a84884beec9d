#include "model/engine.h"

#include <algorithm>
#include <deque>
#include <limits>

#include "model/backend/backend.h"
#include "model/cache/prefix_cache.h"
#include "model/engine/sequence.h"
#include "model/transformer/transformer.h"

namespace hearth::model {

struct Engine::State {
  State(Model& m, const EngineOptions& o, std::unique_ptr<KvStorage> storage, uint32_t n_blocks)
      : model(m), options(o), kv(std::move(storage)), allocator(n_blocks), cache(o.max_sequences) {}

  using Events = std::vector<Event>;

  void Admit(Events& events);
  void DropCancelled(Events& events);
  void BuildBatch();
  // Draws the next token, which the constraint has then accepted unless it ends the text; token -1
  // where the constraint accepts none.
  Event Sample(Sequence& sequence, std::span<float> scores, const TokenSet* allowed);
  void Advance(Sequence& sequence, std::span<float> logits, Events& events);
  // True where the sequence ended with it.
  bool Append(Sequence& sequence, Event drawn, Events& events);
  void Finish(Sequence& sequence, FinishReason reason, Events& events, TokenId stop_token = -1,
              Error error = {});

  Model& model;
  EngineOptions options;
  std::unique_ptr<KvStorage> kv;
  BlockAllocator allocator;
  PrefixCache cache;
  RequestId next_id = 1;
  std::deque<std::unique_ptr<Sequence>> waiting;
  std::vector<std::unique_ptr<Sequence>> running;  // in order of arrival

  // The batch of a step; the memory is kept from step to step.
  std::vector<TokenId> tokens;
  std::vector<BatchSequence> slices;
  std::vector<Sequence*> slice_owners;
  std::vector<uint32_t> heads;
  std::vector<Sequence*> head_owners;
  std::vector<float> logits;
  std::vector<TokenId> forced;
  std::vector<float> unchanged;  // logits before bias and penalties
};

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::Create(Model& model, const EngineOptions& options) {
  constexpr uint32_t kLongestByDefault = 32768;
  EngineOptions actual = options;
  const uint32_t trained = model.config().context_length;
  if (actual.context_tokens == 0) actual.context_tokens = std::min(trained, kLongestByDefault);
  if (actual.context_tokens > trained) {
    return MakeError(ErrorCode::kInvalidArgument, "a context of ", actual.context_tokens,
                     " tokens: the model was trained for ", trained);
  }
  if (actual.max_sequences == 0 || actual.max_batch_tokens == 0) {
    return MakeError(ErrorCode::kInvalidArgument, "max_sequences is ", actual.max_sequences,
                     " and max_batch_tokens ", actual.max_batch_tokens,
                     "; both must be at least 1");
  }
  if (actual.kv_tokens == 0) actual.kv_tokens = 4 * actual.context_tokens;
  actual.kv_tokens = std::max(actual.kv_tokens, actual.context_tokens);
  const uint32_t n_blocks = BlockTable::BlocksFor(actual.kv_tokens);
  HEARTH_TRY(auto kv, model.transformer().backend().CreateKv(n_blocks, actual.kv_type));
  return std::unique_ptr<Engine>(
      new Engine(std::make_unique<State>(model, actual, std::move(kv), n_blocks)));
}

uint32_t Engine::context_tokens() const { return state_->options.context_tokens; }
uint32_t Engine::max_sequences() const { return state_->options.max_sequences; }
size_t Engine::running() const { return state_->running.size(); }
size_t Engine::waiting() const { return state_->waiting.size(); }

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
  const auto room = s.options.context_tokens - static_cast<uint32_t>(request.prompt.size());
  request.max_tokens = std::min(request.max_tokens, room);
  if (request.stop_tokens.empty()) request.stop_tokens = s.model.tokenizer().end_of_turn();
  s.waiting.push_back(std::make_unique<Sequence>(s.next_id, std::move(request), s.allocator));
  return s.next_id++;
}

void Engine::Cancel(RequestId id) {
  for (auto& sequence : state_->waiting) sequence->cancelled |= sequence->id == id;
  for (auto& sequence : state_->running) sequence->cancelled |= sequence->id == id;
}

void Engine::SetPaused(RequestId id, bool paused) {
  for (auto& sequence : state_->waiting) {
    if (sequence->id == id) sequence->paused = paused;
  }
  for (auto& sequence : state_->running) {
    if (sequence->id == id) sequence->paused = paused;
  }
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
  sequence.tokens.resize(sequence.computed);
  sequence.table.Truncate(sequence.computed);
  cache.Insert(std::move(sequence.tokens), std::move(sequence.table));
  std::erase_if(running, [&](const auto& other) { return other.get() == &sequence; });
}

void Engine::State::DropCancelled(Events& events) {
  while (true) {
    const auto in_queue = std::ranges::find_if(waiting, [](auto& s) { return s->cancelled; });
    if (in_queue != waiting.end()) {
      const std::unique_ptr<Sequence> sequence = std::move(*in_queue);
      waiting.erase(in_queue);
      Finish(*sequence, FinishReason::kCancelled, events);
      continue;
    }
    const auto at_work = std::ranges::find_if(running, [](auto& s) { return s->cancelled; });
    if (at_work == running.end()) return;
    Finish(**at_work, FinishReason::kCancelled, events);
  }
}

// First come, first served. A sequence is taken in when the blocks of its longest course are free,
// so that none ever has to stop half way.
void Engine::State::Admit(Events& events) {
  while (!waiting.empty() && running.size() < options.max_sequences) {
    Sequence& sequence = *waiting.front();
    const auto longest = static_cast<uint32_t>(sequence.tokens.size()) + sequence.max_tokens;
    if (sequence.computed == 0) {
      sequence.computed = cache.Take(sequence.tokens, sequence.table);
      sequence.usage.cached_tokens = sequence.computed;
    }
    bool reserved = sequence.table.Reserve(longest);
    while (!reserved && cache.EvictOne()) reserved = sequence.table.Reserve(longest);
    if (!reserved) return;
    for (TokenId token : sequence.tokens) sequence.sampler.Observe(token, false);
    Event event;
    event.request = sequence.id;
    event.kind = Event::Kind::kPrefill;
    event.prefilled = sequence.computed;
    events.push_back(event);
    sequence.tokens.reserve(longest);
    running.push_back(std::move(waiting.front()));
    waiting.pop_front();
  }
}

// Decoding sequences first, whole; then prompts share what is left of the batch, in order of
// arrival.
void Engine::State::BuildBatch() {
  tokens.clear();
  slices.clear();
  slice_owners.clear();
  heads.clear();
  head_owners.clear();
  const auto add = [&](Sequence& sequence, uint32_t count) {
    const auto first = static_cast<uint32_t>(tokens.size());
    slices.push_back({first, count, sequence.computed, sequence.table.blocks()});
    slice_owners.push_back(&sequence);
    const auto begin = sequence.tokens.begin() + sequence.computed;
    tokens.insert(tokens.end(), begin, begin + count);
    if (count == sequence.pending()) {
      heads.push_back(first + count - 1);
      head_owners.push_back(&sequence);
    }
  };
  const auto is_decoding = [](const Sequence& s) { return s.usage.completion_tokens > 0; };
  for (const bool decoding : {true, false}) {
    for (auto& sequence : running) {
      if (sequence->paused || is_decoding(*sequence) != decoding) continue;
      if (tokens.size() >= options.max_batch_tokens) break;
      const auto room = options.max_batch_tokens - static_cast<uint32_t>(tokens.size());
      add(*sequence, std::min(sequence->pending(), room));
    }
  }
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

Event Engine::State::Sample(Sequence& sequence, std::span<float> scores, const TokenSet* allowed) {
  if (sequence.logprobs) unchanged.assign(scores.begin(), scores.end());
  sequence.sampler.Adjust(scores);
  Event drawn;
  while (true) {
    drawn.token = sequence.sampler.Draw(scores, allowed);
    const bool ends =
        std::ranges::find(sequence.stop_tokens, drawn.token) != sequence.stop_tokens.end();
    // A set that was too costly to make exactly may hold tokens that are then refused.
    if (ends || !sequence.constraint || sequence.constraint->Accept(drawn.token)) break;
    float& score = scores[static_cast<size_t>(drawn.token)];
    if (score == -std::numeric_limits<float>::infinity()) return {};
    score = -std::numeric_limits<float>::infinity();
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

void Engine::State::Advance(Sequence& sequence, std::span<float> scores, Events& events) {
  TokenSet allowed;
  const bool constrained = sequence.constraint && !sequence.constraint->IsFree();
  if (constrained) {
    const Status filled = sequence.constraint->Fill(allowed);
    if (!filled.ok()) {
      Finish(sequence, FinishReason::kError, events, -1, filled.error());
      return;
    }
  }
  Event drawn = Sample(sequence, scores, constrained ? &allowed : nullptr);
  if (drawn.token < 0) {
    Finish(sequence, FinishReason::kError, events, -1,
           MakeError(ErrorCode::kInternal, "the constraint refused every token that it allowed"));
    return;
  }
  if (std::ranges::find(sequence.stop_tokens, drawn.token) != sequence.stop_tokens.end()) {
    Finish(sequence, FinishReason::kStop, events, drawn.token);
    return;
  }
  if (Append(sequence, std::move(drawn), events) || !sequence.constraint) return;
  forced.clear();
  sequence.constraint->ForcedRun(forced);
  for (const TokenId next : forced) {
    if (!sequence.constraint->Accept(next)) return;
    Event dictated;
    dictated.token = next;
    dictated.forced = true;
    if (Append(sequence, std::move(dictated), events)) return;
  }
}

bool Engine::Step(std::vector<Event>& events) {
  State& s = *state_;
  s.DropCancelled(events);
  s.Admit(events);
  if (s.running.empty()) return !s.waiting.empty() || !events.empty();
  s.BuildBatch();
  if (s.tokens.empty()) return !events.empty();
  const uint32_t vocab = s.model.config().vocab_size;
  if (s.logits.size() < s.heads.size() * vocab) s.logits.resize(s.heads.size() * vocab);
  s.model.transformer().Forward(
      *s.kv,
      {.tokens = s.tokens, .sequences = s.slices, .heads = s.heads, .logits = s.logits.data()});
  for (size_t i = 0; i < s.slices.size(); ++i) {
    Sequence& sequence = *s.slice_owners[i];
    sequence.computed += s.slices[i].count;
    if (sequence.usage.completion_tokens == 0) {
      Event event;
      event.request = sequence.id;
      event.kind = Event::Kind::kPrefill;
      event.prefilled = std::min(sequence.computed, sequence.usage.prompt_tokens);
      events.push_back(event);
    }
  }
  for (size_t h = 0; h < s.heads.size(); ++h) {
    s.Advance(*s.head_owners[h], std::span(s.logits).subspan(h * vocab, vocab), events);
  }
  return true;
}

}  // namespace hearth::model
