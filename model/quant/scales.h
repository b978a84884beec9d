// How the encoders of 32-element blocks choose their scale and store their levels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "model/quant/blocks.h"

namespace hearth::model::blocks {

// The first of the values that are farthest from zero, with its sign.
inline float Farthest(const float* in) {
  float farthest = in[0];
  for (int j = 1; j < 32; ++j) {
    if (std::abs(in[j]) > std::abs(farthest)) farthest = in[j];
  }
  return farthest;
}

inline float InverseOrZero(float d) { return d == 0 ? 0 : 1 / d; }

// Cuts off the fraction of a value that was moved to where no level is below zero.
inline uint8_t Level(float value, int highest) {
  return static_cast<uint8_t>(
      value > 0 ? std::min(static_cast<int>(std::min(value, 255.0f)), highest) : 0);
}

// Levels of 4 bits: element j in the low nibble of q[j], element 16 + j in the high one.
template <typename LevelOf>
void StoreNibbles(const LevelOf& level, uint8_t* q) {
  for (int j = 0; j < 16; ++j) {
    q[j] = static_cast<uint8_t>((level(j) & 15) | (level(16 + j) & 15) << 4);
  }
}
// Levels of 5 bits: the fifth bits, element j's in bit j of h, and nibbles.
template <typename LevelOf>
void StoreFives(const LevelOf& level, uint8_t* h, uint8_t* q) {
  uint32_t high = 0;
  for (int j = 0; j < 32; ++j) high |= static_cast<uint32_t>(level(j) >> 4) << j;
  Store(h, high);
  StoreNibbles(level, q);
}

}  // namespace hearth::model::blocks
