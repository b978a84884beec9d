// SamplingParams: how the next token is drawn from the model's logits.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

// Applied in this order: the token constraint, barred tokens, logit bias, penalties, DRY,
// temperature, top-k, top-p, min-p, typical, XTC, the draw. The defaults leave the model's
// distribution as it is.
struct SamplingParams {
  // Never drawn, whatever is added to them; each once; shared by sequences. May be null. A sequence
  // whose constraint admits some of these must not bar them.
  std::shared_ptr<const std::vector<TokenId>> barred;
  std::vector<std::pair<TokenId, float>> logit_bias;
  float repetition_penalty =
      1.0f;                        // divides positive and multiplies negative logits of seen tokens
  float presence_penalty = 0.0f;   // taken off the logit of a token that was generated
  float frequency_penalty = 0.0f;  // the same, times how often
  uint32_t penalty_window = 256;   // the repetition penalty looks this far back, prompt included
  // DRY: a token that would make the text repeat `length` tokens that it ends with, at least
  // dry_allowed_length of them, loses dry_multiplier * dry_base^(length - dry_allowed_length).
  float dry_multiplier = 0.0f;  // 0: off
  float dry_base = 1.75f;
  uint32_t dry_allowed_length = 2;
  uint32_t dry_window = 1024;         // looks this far back, prompt included
  std::vector<TokenId> dry_breakers;  // no repetition reaches across these
  float temperature = 1.0f;           // 0: the most likely token, always
  uint32_t top_k = 0;                 // 0: all
  float top_p = 1.0f;
  float min_p = 0.0f;  // as a share of the most likely token's probability
  // Leaves the tokens whose information is nearest to the expected, of this probability together.
  float typical_p = 1.0f;
  // XTC: with this probability, of the tokens that have xtc_threshold or more, all but the least
  // likely are left out.
  float xtc_probability = 0.0f;
  float xtc_threshold = 0.1f;
  uint64_t seed = 0;

  // Refuses values out of range, naming the field.
  Status Check() const;
};

}  // namespace hearth::model
