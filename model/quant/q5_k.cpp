// Q5_K, 256 elements in 176 bytes: half d, half dmin; 12 bytes of scales as in Q4_K; 32 bytes h,
// bit j of byte i is the fifth bit of element 32 * j + i; 128 bytes q as in Q4_K. Value: d * scale
// * q - dmin * minimum.
#include "model/quant/blocks.h"
#include "model/quant/k_encode.h"
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

void EncodeQ5_K(const float* in, const float* importance, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 256, out += 176) {
    const KLevels k = EncodeKLevels(in, importance, 31);
    if (importance != nullptr) importance += 256;
    Store(out, k.d);
    Store(out + 2, k.dmin);
    std::memcpy(out + 4, k.scales, sizeof(k.scales));
    std::memset(out + 16, 0, 32);
    for (int e = 0; e < 256; ++e) {
      out[16 + e % 32] = static_cast<uint8_t>(out[16 + e % 32] | k.levels[e] >> 4 << (e / 32));
    }
    for (int i = 0; i < 128; ++i) {
      const uint8_t* const level = k.levels + i / 32 * 64 + i % 32;
      out[48 + i] = static_cast<uint8_t>((level[0] & 15) | (level[32] & 15) << 4);
    }
  }
}

}  // namespace hearth::model::blocks
