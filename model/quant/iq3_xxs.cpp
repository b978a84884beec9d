// IQ3_XXS, 256 elements in 98 bytes: half d; 64 bytes of codebook indices, one for 4 elements;
// eight uint32, one for 32 elements: four 7-bit signs and, on top, a 4-bit scale. Value: d * (0.5 +
// scale) / 2 * codebook, signed.
#include "model/quant/blocks.h"
#include "model/quant/iq_grids.h"

namespace hearth::model::blocks {

void DecodeIQ3_XXS(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 98, out += 256) {
    const float d = LoadHalf(in);
    for (int e = 0; e < 256; ++e) {
      const auto bits = Load<uint32_t>(in + 66 + 4 * (e / 32));
      const float step = d * (0.5f + static_cast<float>(bits >> 28)) * 0.5f;
      const uint16_t entry = kIq3XxsGrid[in[2 + e / 4]];
      const float value = step * kIq3XxsMagnitudes[entry >> (4 * (e % 4)) & 7];
      const uint32_t signs = EightSigns(bits >> (7 * (e % 32 / 8)) & 127);
      out[e] = (signs >> (e % 8) & 1) != 0 ? -value : value;
    }
  }
}

}  // namespace hearth::model::blocks
