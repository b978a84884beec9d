// MXFP4, 32 elements in 17 bytes: an exponent byte e; 16 bytes q, nibbles as in Q4_0. Value:
// 2^(e - 128) * level[q], where the levels are those of E2M1 doubled (OCP Microscaling
// Formats 1.0).
#include <bit>

#include "model/quant/blocks.h"

namespace hearth::model::blocks {
namespace {

constexpr float kLevels[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// 2^(e - 128); the two least are subnormal.
float HalfScale(uint32_t e) {
  return std::bit_cast<float>(e < 2 ? 0x00200000u << e : (e - 1) << 23);
}

}  // namespace

void DecodeMXFP4(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 17, out += 32) {
    const float d = HalfScale(in[0]);
    for (int j = 0; j < 16; ++j) {
      out[j] = d * kLevels[in[1 + j] & 15];
      out[16 + j] = d * kLevels[in[1 + j] >> 4];
    }
  }
}

}  // namespace hearth::model::blocks
