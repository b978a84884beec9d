// Q5_K, 256 elements in 176 bytes: half d, half dmin; 12 bytes of scales as in Q4_K; 32 bytes h,
// bit j of byte i is the fifth bit of element 32 * j + i; 128 bytes q as in Q4_K. Value: d * scale
// * q - dmin * minimum.
#include "model/quant/blocks.h"
#include "model/quant/k_scales.h"

namespace hearth::model::blocks {

void DecodeQ5_K(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 176) {
    const float d = LoadHalf(in);
    const float dmin = LoadHalf(in + 2);
    const uint8_t* const high = in + 16;
    const uint8_t* const q = in + 48;
    for (int j = 0; j < 8; ++j, out += 32) {
      const ScaleAndMinimum packed = LoadKScale(in + 4, j);
      const float step = d * static_cast<float>(packed.scale);
      const float minimum = dmin * static_cast<float>(packed.minimum);
      for (int i = 0; i < 32; ++i) {
        const int low = q[j / 2 * 32 + i] >> (4 * (j % 2)) & 15;
        const int bits = low | (high[i] >> j & 1) << 4;
        out[i] = step * static_cast<float>(bits) - minimum;
      }
    }
  }
}

}  // namespace hearth::model::blocks
