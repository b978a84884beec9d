// Q8_0, 32 elements in 34 bytes: half d; 32 signed bytes q. Value: d * q.
#include "model/quant/blocks.h"
#include "model/quant/scales.h"

namespace hearth::model::blocks {

void DecodeQ8_0(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 34, out += 32) {
    const float d = LoadHalf(in);
    for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(static_cast<int8_t>(in[2 + j]));
  }
}

void EncodeQ8_0(const float* in, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 32, out += 34) {
    const float d = std::abs(Farthest(in)) / 127;
    const float inverse = InverseOrZero(d);
    Store(out, FloatToHalf(d));
    // Halves round away from zero.
    for (int j = 0; j < 32; ++j)
      out[2 + j] = static_cast<uint8_t>(static_cast<int8_t>(std::round(in[j] * inverse)));
  }
}

}  // namespace hearth::model::blocks
