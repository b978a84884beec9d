// How the encoders of 32-element blocks choose their scale.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

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

}  // namespace hearth::model::blocks
