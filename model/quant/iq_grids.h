// The codebooks of the IQ2 and IQ3 formats. An IQ2 entry names eight magnitudes by two bits each,
// an IQ3 entry four by a nibble each, the first in the lowest bits.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace hearth::model::blocks {

extern const std::array<uint16_t, 256> kIq2XxsGrid;
extern const std::array<uint16_t, 512> kIq2XsGrid;
extern const std::array<uint16_t, 1024> kIq2SGrid;
extern const std::array<uint16_t, 256> kIq3XxsGrid;
extern const std::array<uint16_t, 512> kIq3SGrid;

inline constexpr float kIq2Magnitudes[4] = {8, 25, 43, 0};
inline constexpr float kIq3XxsMagnitudes[8] = {4, 12, 20, 28, 36, 44, 52, 62};

// Writes scale * magnitude, negated where the bit of `signs` is set, for the eight values of an
// entry.
inline void WriteIq2Group(uint16_t entry, float scale, uint32_t signs, float* out) {
  for (int i = 0; i < 8; ++i) {
    const float value = scale * kIq2Magnitudes[entry >> (2 * i) & 3];
    out[i] = (signs >> i & 1) != 0 ? -value : value;
  }
}

// Seven stored signs give eight: the last makes their number even.
inline uint32_t EightSigns(uint32_t seven) {
  return seven | static_cast<uint32_t>(std::popcount(seven) & 1) << 7;
}

}  // namespace hearth::model::blocks
