// Q2_K, 256 elements in 84 bytes: 16 bytes s, one for 16 elements (low nibble scale, high nibble
// minimum); 64 bytes q, two bits an element; half d, half dmin. Value: d * scale * q - dmin *
// minimum. Half a block (128 elements) is 32 bytes of q; its element e is in byte e % 32 at bit 2 *
// (e / 32).
#include "model/quant/blocks.h"

namespace hearth::model::blocks {

void DecodeQ2_K(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 84, out += 256) {
    const uint8_t* const scales = in;
    const uint8_t* const q = in + 16;
    const float d = LoadHalf(in + 80);
    const float dmin = LoadHalf(in + 82);
    for (int e = 0; e < 256; ++e) {
      const uint8_t scale = scales[e / 16];
      const int bits = q[e / 128 * 32 + e % 32] >> (2 * (e % 128 / 32)) & 3;
      const float step = d * static_cast<float>(scale & 15);
      const float minimum = dmin * static_cast<float>(scale >> 4);
      out[e] = step * static_cast<float>(bits) - minimum;
    }
  }
}

}  // namespace hearth::model::blocks
