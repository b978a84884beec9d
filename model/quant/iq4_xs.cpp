// IQ4_XS, 256 elements in 136 bytes: half d; uint16 with the high two bits of eight scales; 4 bytes
// with their low four bits; 128 bytes q, each 16 of which are 32 elements as in IQ4_NL. Value: d *
// (scale - 32) * level[q].
#include "model/quant/blocks.h"
#include "model/quant/iq4.h"

namespace hearth::model::blocks {

void DecodeIQ4_XS(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 136) {
    const float d = LoadHalf(in);
    const auto high = Load<uint16_t>(in + 2);
    for (int j = 0; j < 8; ++j, out += 32) {
      const int scale = (in[4 + j / 2] >> (4 * (j % 2)) & 15) | (high >> (2 * j) & 3) << 4;
      const float step = d * static_cast<float>(scale - 32);
      const uint8_t* const q = in + 8 + 16 * j;
      for (int i = 0; i < 16; ++i) {
        out[i] = step * kIq4Levels[q[i] & 15];
        out[16 + i] = step * kIq4Levels[q[i] >> 4];
      }
    }
  }
}

}  // namespace hearth::model::blocks
