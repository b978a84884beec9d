// SamplingParams: how the next token is drawn from the model's logits.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

// Applied in this order: the token constraint, logit bias, penalties, temperature, top-k, top-p,
// min-p.
struct SamplingParams {
  std::vector<std::pair<TokenId, float>> logit_bias;
  float repetition_penalty =
      1.0f;                        // divides positive and multiplies negative logits of seen tokens
  float presence_penalty = 0.0f;   // taken off the logit of a token that was generated
  float frequency_penalty = 0.0f;  // the same, times how often
  uint32_t penalty_window = 256;   // the repetition penalty looks this far back, prompt included
  float temperature = 1.0f;        // 0: the most likely token, always
  uint32_t top_k = 0;              // 0: all
  float top_p = 1.0f;
  float min_p = 0.0f;  // as a share of the most likely token's probability
  uint64_t seed = 0;

  // Refuses values out of range, naming the field.
  Status Check() const;
};

}  // namespace hearth::model
