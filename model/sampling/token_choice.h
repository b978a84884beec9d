// TokenChoice: how the token behind one head of a pass is drawn, for backends that draw it
// themselves (Backend::Chooses). What it means is what Sampler does with the same values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/sampling/logit_change.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

struct TokenChoice {
  const TokenSet* allowed = nullptr;     // null: all; never of kind kOne, never empty
  std::span<const LogitChange> changes;  // by round; within one no id comes twice
  float temperature = 1;                 // 0: the likeliest, and none of the following
  uint32_t top_k = 0;                    // 0: all
  float top_p = 1;
  float min_p = 0;
  double uniform = 0;  // in [0, 1): what the draw rests on
};

// Hears how the tokens of a pass are drawn, while the pass runs.
class TokenChooser {
 public:
  virtual ~TokenChooser() = default;
  // Keeps nothing that the choice points to. At most once for each head.
  virtual void Choose(size_t head, const TokenChoice& choice) = 0;
};

}  // namespace hearth::model
