// Q4_K, 256 elements in 144 bytes: half d, half dmin; 12 bytes of scales (k_scales.h), one scale
// and minimum for 32 elements; 128 bytes q. Each 32 bytes of q hold 64 elements: the low nibbles
// are the first 32. Value: d * scale * q - dmin * minimum.
#include "model/quant/blocks.h"
#include "model/quant/k_encode.h"
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

void EncodeQ4_K(const float* in, const float* importance, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 256, out += 144) {
    const KLevels k = EncodeKLevels(in, importance, 15);
    if (importance != nullptr) importance += 256;
    Store(out, k.d);
    Store(out + 2, k.dmin);
    std::memcpy(out + 4, k.scales, sizeof(k.scales));
    for (int i = 0; i < 128; ++i) {
      const uint8_t* const level = k.levels + i / 32 * 64 + i % 32;
      out[16 + i] = static_cast<uint8_t>(level[0] | level[32] << 4);
    }
  }
}

}  // namespace hearth::model::blocks
