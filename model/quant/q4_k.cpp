// Q4_K, 256 elements in 144 bytes: half d, half dmin; 12 bytes of scales (k_scales.h), one scale
// and minimum for 32 elements; 128 bytes q. Each 32 bytes of q hold 64 elements: the low nibbles
// are the first 32. Value: d * scale * q - dmin * minimum.
#include "model/quant/blocks.h"
#include "model/quant/k_scales.h"

namespace hearth::model::blocks {

void DecodeQ4_K(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 144) {
    const float d = LoadHalf(in);
    const float dmin = LoadHalf(in + 2);
    const uint8_t* const q = in + 16;
    for (int j = 0; j < 8; ++j, out += 32) {
      const ScaleAndMinimum packed = LoadKScale(in + 4, j);
      const float step = d * static_cast<float>(packed.scale);
      const float minimum = dmin * static_cast<float>(packed.minimum);
      for (int i = 0; i < 32; ++i) {
        const int bits = q[j / 2 * 32 + i] >> (4 * (j % 2)) & 15;
        out[i] = step * static_cast<float>(bits) - minimum;
      }
    }
  }
}

}  // namespace hearth::model::blocks
