// Engine: runs many requests on one model at once, a step at a time.
//
// Step() is an ordinary function: it takes waiting requests in, runs one batch (a token of each
// decoding sequence and a chunk of the prompts that are still being read), samples, and reports
// what happened. The KV of a finished request stays until its memory is needed, so that a request
// which continues it (the next step of an agent's turn) reads only what was added.
//
// Thread-safety: none. One thread owns an engine and its model; see runtime/serving for the rest.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/kv_type.h"
#include "model/model.h"
#include "model/sampling.h"
#include "model/token_constraint.h"

namespace hearth::model {

using RequestId = uint64_t;

struct GenerationRequest {
  std::vector<TokenId> prompt;
  SamplingParams sampling;
  uint32_t max_tokens = 256;
  std::unique_ptr<TokenConstraint> constraint;  // may be null
  // Generation ends before these; empty: the tokenizer's end-of-turn tokens.
  std::vector<TokenId> stop_tokens;
  bool logprobs = false;
  uint32_t top_logprobs =
      0;  // with logprobs: the likeliest tokens at each place, at most this many
};

enum class FinishReason : uint8_t {
  kStop,       // the model ended its turn
  kLength,     // max_tokens, or the end of the context
  kCancelled,  // by Cancel
  kError,      // this sequence alone failed; Event::error says why
};

struct Usage {
  uint32_t prompt_tokens = 0;
  uint32_t cached_tokens = 0;  // of the prompt, found in the KV cache
  uint32_t completion_tokens = 0;
  uint32_t forced_tokens = 0;  // of the completion, dictated by the constraint
};

struct TokenLogprob {
  TokenId token = -1;
  float logprob = 0;
};

struct Event {
  enum class Kind : uint8_t { kPrefill, kToken, kFinished };
  RequestId request = 0;
  Kind kind = Kind::kToken;
  // kToken
  TokenId token = -1;
  bool forced = false;
  // Where asked for, and not forced: of the model's own distribution, before anything is applied.
  float logprob = 0;
  std::vector<TokenLogprob> top;  // the likeliest first
  // kPrefill: prompt tokens whose KV is there
  uint32_t prefilled = 0;
  // kFinished; stop_token is what ended the turn (it is neither reported nor in the KV), or -1
  FinishReason reason = FinishReason::kStop;
  TokenId stop_token = -1;
  Usage usage;
  Error error;
};

struct EngineOptions {
  KvType kv_type = KvType::kF16;
  uint32_t context_tokens = 0;  // longest sequence; 0: the model's, at most 32768
  uint32_t kv_tokens = 0;       // KV memory for all sequences together; 0: 4 contexts
  uint32_t max_sequences = 16;  // decoded together
  uint32_t max_batch_tokens = 512;
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> Create(Model& model, const EngineOptions& options);
  ~Engine();

  // Queues a request. Refused, with the numbers: an empty prompt, ids outside the vocabulary, a
  // prompt that leaves no room in the context, sampling parameters out of range.
  Result<RequestId> Submit(GenerationRequest request);
  // Ends a request at the next step; unknown ids are ignored (it may just have finished).
  void Cancel(RequestId id);
  // A paused request keeps its place and its KV and takes no part in steps, for a reader that does
  // not keep up. Unknown ids are ignored.
  void SetPaused(RequestId id, bool paused);
  // One batch. Appends to events; false where there was nothing to do (paused requests may be
  // left).
  bool Step(std::vector<Event>& events);

  uint32_t context_tokens() const;
  uint32_t max_sequences() const;
  size_t running() const;  // requests taken in and not finished
  size_t waiting() const;

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hearth::model
