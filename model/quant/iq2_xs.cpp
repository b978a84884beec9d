// IQ2_XS, 256 elements in 74 bytes: half d; 32 uint16, one for 8 elements: a 9-bit codebook index
// and seven signs; 8 bytes of 4-bit scales, one for 16 elements. Value: d * (0.5 + scale) / 4 *
// codebook, signed.
#include "model/quant/blocks.h"
#include "model/quant/iq_grids.h"

namespace hearth::model::blocks {

void DecodeIQ2_XS(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 74) {
    const float d = LoadHalf(in);
    for (int j = 0; j < 32; ++j, out += 8) {
      const int scale = in[66 + j / 4] >> (4 * (j / 2 % 2)) & 15;
      const float step = d * (0.5f + static_cast<float>(scale)) * 0.25f;
      const auto bits = Load<uint16_t>(in + 2 + 2 * j);
      WriteIq2Group(kIq2XsGrid[bits & 511], step, EightSigns(bits >> 9), out);
    }
  }
}

}  // namespace hearth::model::blocks
