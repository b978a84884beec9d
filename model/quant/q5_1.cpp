// Q5_1, 32 elements in 24 bytes: half d, half m; 4 bytes of fifth bits and 16 bytes q as in Q5_0.
// Value: d * q + m.
#include "model/quant/blocks.h"

namespace hearth::model::blocks {

void DecodeQ5_1(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 24, out += 32) {
    const float d = LoadHalf(in);
    const float m = LoadHalf(in + 2);
    const auto high = Load<uint32_t>(in + 4);
    const uint8_t* const q = in + 8;
    for (int j = 0; j < 16; ++j) {
      const auto first = static_cast<int>((q[j] & 15) | (high >> j & 1) << 4);
      const auto second = static_cast<int>((q[j] >> 4) | (high >> (16 + j) & 1) << 4);
      out[j] = d * static_cast<float>(first) + m;
      out[16 + j] = d * static_cast<float>(second) + m;
    }
  }
}

}  // namespace hearth::model::blocks
