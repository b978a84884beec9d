// Q3_K, 256 elements in 110 bytes: 32 bytes h, bit e / 32 of byte e % 32 is the third bit of
// element e, inverted; 64 bytes q, two bits an element as in Q2_K; 12 bytes of sixteen 6-bit
// scales; half d. Value: d * (scale - 32) * (q - 4 * !h). Scale j has its low four bits in nibble j
// of the first eight bytes (low nibbles first) and its high two in byte 8 + j % 4 at bit 2 * (j /
// 4).
#include "model/quant/blocks.h"

namespace hearth::model::blocks {

void DecodeQ3_K(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 110, out += 256) {
    const uint8_t* const high = in;
    const uint8_t* const q = in + 32;
    const uint8_t* const packed = in + 96;
    const float d = LoadHalf(in + 108);
    float steps[16];
    for (int j = 0; j < 16; ++j) {
      const int low = packed[j % 8] >> (4 * (j / 8)) & 15;
      const int two = packed[8 + j % 4] >> (2 * (j / 4)) & 3;
      steps[j] = d * static_cast<float>((low | two << 4) - 32);
    }
    for (int e = 0; e < 256; ++e) {
      const int bits = q[e / 128 * 32 + e % 32] >> (2 * (e % 128 / 32)) & 3;
      const int third = high[e % 32] >> (e / 32) & 1;
      out[e] = steps[e / 16] * static_cast<float>(bits - (third == 0 ? 4 : 0));
    }
  }
}

}  // namespace hearth::model::blocks
