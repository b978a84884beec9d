// Engine: runs many requests on one model at once, a step at a time.
//
// Step() is an ordinary function: it takes waiting requests in, runs one batch (a token of each
// decoding sequence, with guesses at what follows where they pay, and chunks of the prompts that
// are still being read), samples, and reports what happened. KV is shared by requests that begin
// alike, also while the first is still being read, and stays until its memory is needed. What a
// request gets depends on nothing that runs beside it. engine/README.md explains the mechanism.
//
// Thread-safety: none. One thread owns an engine and its model; see runtime/serving for the rest.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/drafter.h"
#include "model/kv_type.h"
#include "model/lora.h"
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
  // Who has a higher one is taken in first, and takes the place and the memory of those with less.
  int priority = 0;
  std::shared_ptr<const LoraAdapter> adapter;  // of this engine's model; may be null
  float adapter_scale = 1;
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
  // KV memory for all sequences together, taken as it is used. 0: 4 contexts, or the bytes.
  uint32_t kv_tokens = 0;
  uint64_t kv_bytes = 0;  // the same in bytes; 0: no such bound
  // Memory of the host for KV that must leave the device, taken as it is used; 0: it is forgotten,
  // and read again.
  uint64_t kv_host_bytes = 0;
  uint32_t max_sequences = 16;  // worked on together
  uint32_t max_batch_tokens = 512;
  // A pass that reads prompts beside sequences that are decoded lasts about so long at most: the
  // longest wait between two tokens.
  double max_stall_seconds = 0.08;
  bool prompt_lookup = true;         // guess from the text itself
  std::shared_ptr<Drafter> drafter;  // or ask this one, until it fails. May be null
  // A clock in seconds, for costs; null: the system's.
  std::function<double()> now;
};

// What an engine has and has done.
struct EngineStats {
  uint64_t steps = 0;
  uint32_t kv_blocks = 0;            // of 16 positions each, that there may be
  uint32_t kv_blocks_free = 0;       // and that hold nothing
  uint32_t kv_blocks_cached = 0;     // known to the cache; sequences hold some of them as well
  uint64_t kv_tokens_held = 0;       // tokens of running sequences that have their KV
  uint32_t kv_blocks_held = 0;       // blocks in their tables, shared ones counted once for each
  uint32_t kv_host_blocks = 0;       // that there may be on the host: fewer once it had no memory
  uint32_t kv_host_blocks_used = 0;  // of them, that hold something
  uint32_t kv_blocks_on_host = 0;    // known to the cache, and on the device no more
  uint64_t kv_bytes_per_block = 0;
  // Blocks so far that left the device for the host, that came back, and that were forgotten.
  uint64_t kv_blocks_spilled = 0;
  uint64_t kv_blocks_restored = 0;
  uint64_t kv_blocks_lost = 0;
  uint64_t guessed_tokens = 0;   // tried in passes
  uint64_t accepted_tokens = 0;  // of these, that came true
  uint64_t preemptions = 0;
  bool device_lost = false;  // the backend's device failed: every pass fails, from now on
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
  size_t waiting() const;  // for room; paused ones wait for their readers
  EngineStats stats() const;
  // Why the drafter is no longer asked (its device was lost); without an error as long as it is.
  const Status& drafter_status() const;

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hearth::model
