// Sequence: one request while the engine works on it.
#pragma once

#include <optional>
#include <vector>

#include "model/cache/block_table.h"
#include "model/engine.h"
#include "model/sampling/sampler.h"

namespace hearth::model {

struct Sequence {
  Sequence(RequestId request_id, GenerationRequest request, BlockAllocator& allocator)
      : id(request_id),
        tokens(std::move(request.prompt)),
        max_tokens(request.max_tokens),
        constraint(std::move(request.constraint)),
        stop_tokens(std::move(request.stop_tokens)),
        logprobs(request.logprobs),
        top_logprobs(request.top_logprobs),
        sampler(request.sampling),
        table(allocator) {
    usage.prompt_tokens = static_cast<uint32_t>(tokens.size());
  }

  RequestId id;
  std::vector<TokenId> tokens;  // prompt and completion
  uint32_t computed = 0;        // tokens whose KV is there
  uint32_t max_tokens;
  std::unique_ptr<TokenConstraint> constraint;
  std::vector<TokenId> stop_tokens;
  bool logprobs;
  uint32_t top_logprobs;
  Sampler sampler;
  BlockTable table;
  Usage usage;
  bool cancelled = false;
  bool paused = false;

  uint32_t pending() const { return static_cast<uint32_t>(tokens.size()) - computed; }
};

}  // namespace hearth::model
