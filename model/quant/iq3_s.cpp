// IQ3_S, 256 elements in 110 bytes: half d; 64 bytes of codebook indices, one for 4 elements; 8
// bytes with one more bit for each index; 32 bytes of signs; 4 bytes of 4-bit scales, one for 32
// elements. Value: d * (1 + 2 * scale) * codebook, signed; the magnitudes are the odd numbers 1
// to 15.
#include "model/quant/blocks.h"
#include "model/quant/iq_grids.h"

namespace hearth::model::blocks {

void DecodeIQ3_S(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 110, out += 256) {
    const float d = LoadHalf(in);
    for (int e = 0; e < 256; ++e) {
      const int scale = in[106 + e / 64] >> (4 * (e / 32 % 2)) & 15;
      const float step = d * static_cast<float>(1 + 2 * scale);
      const int index = in[2 + e / 4] | (in[66 + e / 32] >> (e / 4 % 8) & 1) << 8;
      const uint16_t entry = kIq3SGrid[static_cast<size_t>(index)];
      const float value = step * static_cast<float>(2 * (entry >> (4 * (e % 4)) & 7) + 1);
      out[e] = (in[74 + e / 8] >> (e % 8) & 1) != 0 ? -value : value;
    }
  }
}

}  // namespace hearth::model::blocks
