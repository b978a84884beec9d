// Sequence: one request while the engine works on it.
#pragma once

#include <bit>
#include <memory>
#include <vector>

#include "model/cache/radix_cache.h"
#include "model/engine.h"
#include "model/engine/speculation.h"
#include "model/sampling/sampler.h"

namespace hearth::model {

struct Sequence {
  Sequence(RequestId request_id, GenerationRequest request, BlockAllocator& allocator)
      : id(request_id),
        priority(request.priority),
        tokens(std::move(request.prompt)),
        max_tokens(request.max_tokens),
        constraint(std::move(request.constraint)),
        stop_tokens(std::move(request.stop_tokens)),
        logprobs(request.logprobs),
        top_logprobs(request.top_logprobs),
        sampler(request.sampling),
        adapter(std::move(request.adapter)),
        adapter_scale(request.adapter_scale),
        table(allocator) {
    usage.prompt_tokens = static_cast<uint32_t>(tokens.size());
    if (adapter != nullptr) {
      salt = adapter->id() << 32 | std::bit_cast<uint32_t>(adapter_scale);
    }
  }

  RequestId id;  // ids ascend in order of arrival
  int priority;
  RadixCache::Salt salt = 0;    // what besides tokens decides the KV
  std::vector<TokenId> tokens;  // prompt and completion
  uint32_t computed = 0;        // tokens whose KV is there
  uint32_t max_tokens;
  std::unique_ptr<TokenConstraint> constraint;
  std::vector<TokenId> stop_tokens;
  bool logprobs;
  uint32_t top_logprobs;
  Sampler sampler;
  std::shared_ptr<const LoraAdapter> adapter;
  float adapter_scale;
  BlockTable table;
  Usage usage;
  bool cancelled = false;
  bool paused = false;

  // Of the scheduler. A sequence is read (its prompt, or all of it where it lost its place) until
  // its next token can be drawn; then it is decoded.
  bool reading = true;
  bool preempted = false;   // it was, once
  uint64_t arrived_at = 0;  // tokens that had been read for others by then
  uint64_t copies = 0;      // after so many between the tiers, its KV is on the device
  // Guesses at what follows `tokens`, tried in the coming pass.
  std::vector<TokenId> draft;
  Speculation speculation;

  uint32_t length() const { return static_cast<uint32_t>(tokens.size()); }
  uint32_t pending() const { return length() - computed; }
  // Before the other, where room is short.
  bool GoesBefore(const Sequence& other) const {
    return priority != other.priority ? priority > other.priority : id < other.id;
  }
};

}  // namespace hearth::model
