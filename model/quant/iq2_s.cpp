// IQ2_S, 256 elements in 82 bytes: half d; 32 bytes of codebook indices, one for 8 elements; 32
// bytes of signs; 8 bytes with two more bits for each index; 8 bytes of 4-bit scales, one for 16
// elements. Value: d * (0.5 + scale) / 4 * codebook, signed.
#include "model/quant/blocks.h"
#include "model/quant/iq_grids.h"

namespace hearth::model::blocks {

void DecodeIQ2_S(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 82) {
    const float d = LoadHalf(in);
    for (int j = 0; j < 32; ++j, out += 8) {
      const int scale = in[74 + j / 4] >> (4 * (j / 2 % 2)) & 15;
      const float step = d * (0.5f + static_cast<float>(scale)) * 0.25f;
      const int index = in[2 + j] | (in[66 + j / 4] >> (2 * (j % 4)) & 3) << 8;
      WriteIq2Group(kIq2SGrid[static_cast<size_t>(index)], step, in[34 + j], out);
    }
  }
}

}  // namespace hearth::model::blocks
