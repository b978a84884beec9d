// Q6_K, 256 elements in 210 bytes: 128 bytes l (low four bits), 64 bytes h (high two bits), 16
// signed bytes of scales, one for 16 elements; half d. Value: d * scale * (q - 32). Half a block is
// 64 bytes of l, whose low nibbles are its first 64 elements, and 32 bytes of h as q in Q2_K.
#include "model/quant/blocks.h"

namespace hearth::model::blocks {

void DecodeQ6_K(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 210, out += 256) {
    const uint8_t* const low = in;
    const uint8_t* const high = in + 128;
    const uint8_t* const scales = in + 192;
    const float d = LoadHalf(in + 208);
    for (int e = 0; e < 256; ++e) {
      const int four = low[e / 128 * 64 + e % 64] >> (4 * (e % 128 / 64)) & 15;
      const int two = high[e / 128 * 32 + e % 32] >> (2 * (e % 128 / 32)) & 3;
      const float step = d * static_cast<float>(static_cast<int8_t>(scales[e / 16]));
      out[e] = step * static_cast<float>((four | two << 4) - 32);
    }
  }
}

}  // namespace hearth::model::blocks
