// What Q4_K and Q5_K share: 256 elements as eight groups of 32 with a six-bit scale and a six-bit
// minimum each.
#pragma once

#include <cstdint>

namespace hearth::model::blocks {

struct KLevels {
  uint16_t d = 0, dmin = 0;  // halves
  uint8_t scales[12] = {};   // k_scales.h
  uint8_t levels[256] = {};  // 0 to `highest`
};

// `importance`: null, or 256 numbers (importance_weights.h).
KLevels EncodeKLevels(const float* in, const float* importance, int highest);

}  // namespace hearth::model::blocks
