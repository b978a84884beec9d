// UsageLimits: how much one turn of an agent may cost. Whatever is reached first ends the turn;
// what was done until then stays done and stored.
#pragma once

#include <cstdint>

#include "model/engine.h"
#include "runtime/base/json.h"

namespace hearth::agent {

struct UsageLimits {
  int steps = 8;                      // runs of the model
  int tool_calls = 16;                // over all steps
  uint32_t completion_tokens = 4096;  // over all steps
  uint32_t tokens_per_step = 1024;
};

// What a turn has used so far.
struct TurnUsage {
  int steps = 0;
  int tool_calls = 0;
  uint32_t prompt_tokens = 0;  // read anew: what the KV cache held is counted apart
  uint32_t cached_tokens = 0;
  uint32_t completion_tokens = 0;
  uint32_t forced_tokens = 0;

  void Add(const model::Usage& step);
  Json ToJson() const;
};

}  // namespace hearth::agent
