// Q4_0, 32 elements in 18 bytes: half d; 16 bytes q. Element j is the low nibble of q[j], element
// 16 + j the high one. Value: d * (q - 8).
#include "model/quant/blocks.h"
#include "model/quant/fit.h"
#include "model/quant/importance_weights.h"
#include "model/quant/scales.h"

namespace hearth::model::blocks {

void DecodeQ4_0(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 18, out += 32) {
    const float d = LoadHalf(in);
    const uint8_t* const q = in + 2;
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>((q[j] & 15) - 8);
      out[16 + j] = d * static_cast<float>((q[j] >> 4) - 8);
    }
  }
}

void EncodeQ4_0(const float* in, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 32, out += 18) {
    const float d = Farthest(in) / -8;
    const float inverse = InverseOrZero(d);
    Store(out, FloatToHalf(d));
    StoreNibbles([&](int j) { return Level(in[j] * inverse + 8.5f, 15); }, out + 2);
  }
}

void EncodeQ4_0Weighted(const float* in, const float* importance, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 32, importance += 32, out += 18) {
    float weights[32];
    FillWeights(in, importance, 32, weights);
    const uint16_t half = FloatToHalf(FitScale(in, weights, 32, -8, 7));
    const float inverse = InverseOrZero(HalfToFloat(half));
    Store(out, half);
    StoreNibbles([&](int j) { return NearestLevel(in[j] * inverse, -8, 7) + 8; }, out + 2);
  }
}

}  // namespace hearth::model::blocks
