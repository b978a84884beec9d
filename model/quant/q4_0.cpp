// Q4_0, 32 elements in 18 bytes: half d; 16 bytes q. Element j is the low nibble of q[j], element
// 16 + j the high one. Value: d * (q - 8).
#include "model/quant/blocks.h"

namespace hearth::model::blocks {

void DecodeQ4_0(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 18, out += 32) {
    const float d = LoadHalf(in);
    const uint8_t* const q = in + 2;
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>((q[j] & 15) - 8);
      out[16 + j] = d * static_cast<float>((q[j] >> 4) - 8);
    }
  }
}

}  // namespace hearth::model::blocks
