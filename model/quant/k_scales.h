// The twelve bytes in which Q4_K and Q5_K pack eight 6-bit scales and eight 6-bit minima.
//
// Scale and minimum j < 4 are the low six bits of bytes j and 4 + j. Those of j >= 4 have their low
// four bits in the nibbles of byte 4 + j and their high two in the top bits of bytes j - 4 and j.
#pragma once

#include <cstdint>

namespace hearth::model::blocks {

struct ScaleAndMinimum {
  uint8_t scale, minimum;
};

inline ScaleAndMinimum LoadKScale(const uint8_t* packed, int j) {
  if (j < 4) {
    return {static_cast<uint8_t>(packed[j] & 63), static_cast<uint8_t>(packed[4 + j] & 63)};
  }
  return {static_cast<uint8_t>((packed[4 + j] & 15) | (packed[j - 4] >> 6) << 4),
          static_cast<uint8_t>((packed[4 + j] >> 4) | (packed[j] >> 6) << 4)};
}

// Into twelve bytes that were zero; j in any order.
inline void StoreKScale(uint8_t* packed, int j, ScaleAndMinimum pair) {
  if (j < 4) {
    packed[j] = static_cast<uint8_t>(packed[j] | pair.scale);
    packed[4 + j] = static_cast<uint8_t>(packed[4 + j] | pair.minimum);
    return;
  }
  packed[4 + j] = static_cast<uint8_t>((pair.scale & 15) | (pair.minimum & 15) << 4);
  packed[j - 4] = static_cast<uint8_t>(packed[j - 4] | pair.scale >> 4 << 6);
  packed[j] = static_cast<uint8_t>(packed[j] | pair.minimum >> 4 << 6);
}

}  // namespace hearth::model::blocks
