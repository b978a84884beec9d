// DryPenalty: keeps a text from repeating itself at length ("don't repeat yourself").
//
// Where the text's end stood before, the token that followed there would repeat it once more; it
// loses the more, the longer the repetition is already. After p-e-w's sampler, 2024, which the
// field's servers have. Not thread-safe.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "model/sampling.h"
#include "model/sampling/logit_change.h"

namespace hearth::model {

class DryPenalty {
 public:
  explicit DryPenalty(const SamplingParams& params);

  void Observe(TokenId token);
  // Appends what the tokens lose that would repeat the text. O(window).
  void Changes(std::vector<LogitChange>& out);

 private:
  bool IsBreaker(TokenId token) const;
  // equal_[i]: how many tokens that end i before the last equal the text's end.
  void CountEqual(std::span<const TokenId> text);

  float multiplier_;
  float base_;
  uint32_t allowed_length_;
  size_t window_;
  std::vector<TokenId> breakers_;  // sorted
  std::vector<TokenId> recent_;    // the last tokens, up to twice the window
  std::vector<size_t> equal_;
  std::vector<std::pair<TokenId, size_t>> longest_;  // by the token that would repeat
};

}  // namespace hearth::model
