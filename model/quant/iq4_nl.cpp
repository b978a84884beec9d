// IQ4_NL, 32 elements in 18 bytes: half d; 16 bytes q, nibbles as in Q4_0. Value: d * level[q].
#include "model/quant/blocks.h"
#include "model/quant/iq4.h"

namespace hearth::model::blocks {

void DecodeIQ4_NL(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 18, out += 32) {
    const float d = LoadHalf(in);
    for (int j = 0; j < 16; ++j) {
      out[j] = d * kIq4Levels[in[2 + j] & 15];
      out[16 + j] = d * kIq4Levels[in[2 + j] >> 4];
    }
  }
}

}  // namespace hearth::model::blocks
