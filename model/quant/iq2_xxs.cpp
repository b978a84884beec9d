// IQ2_XXS, 256 elements in 66 bytes: half d; eight groups of 32 elements in 8 bytes: four codebook
// indices, then a uint32 of four 7-bit signs and, on top, a 4-bit scale.
// Value: d * (0.5 + scale) / 4 * codebook, signed.
#include "model/quant/blocks.h"
#include "model/quant/iq_grids.h"

namespace hearth::model::blocks {

void DecodeIQ2_XXS(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 66) {
    const float d = LoadHalf(in);
    for (int j = 0; j < 8; ++j) {
      const uint8_t* const group = in + 2 + 8 * j;
      const auto bits = Load<uint32_t>(group + 4);
      const float step = d * (0.5f + static_cast<float>(bits >> 28)) * 0.25f;
      for (int i = 0; i < 4; ++i, out += 8) {
        WriteIq2Group(kIq2XxsGrid[group[i]], step, EightSigns(bits >> (7 * i) & 127), out);
      }
    }
  }
}

}  // namespace hearth::model::blocks
