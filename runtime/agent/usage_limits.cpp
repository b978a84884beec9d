#include "runtime/agent/usage_limits.h"

namespace hearth::agent {

void TurnUsage::Add(const model::Usage& step) {
  ++steps;
  prompt_tokens += step.prompt_tokens - step.cached_tokens;
  cached_tokens += step.cached_tokens;
  completion_tokens += step.completion_tokens;
  forced_tokens += step.forced_tokens;
}

Json TurnUsage::ToJson() const {
  return {{"steps", steps},
          {"tool_calls", tool_calls},
          {"prompt_tokens", prompt_tokens},
          {"cached_tokens", cached_tokens},
          {"completion_tokens", completion_tokens},
          {"forced_tokens", forced_tokens}};
}

}  // namespace hearth::agent
