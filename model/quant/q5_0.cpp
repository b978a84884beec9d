// Q5_0, 32 elements in 22 bytes: half d; 4 bytes h, bit j of which is the fifth bit of element j;
// 16 bytes q, nibbles as in Q4_0. Value: d * (q - 16).
#include "model/quant/blocks.h"
#include "model/quant/fit.h"
#include "model/quant/importance_weights.h"
#include "model/quant/scales.h"

namespace hearth::model::blocks {

void DecodeQ5_0(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 22, out += 32) {
    const float d = LoadHalf(in);
    const auto high = Load<uint32_t>(in + 2);
    const uint8_t* const q = in + 6;
    for (int j = 0; j < 16; ++j) {
      const auto first = static_cast<int>((q[j] & 15) | (high >> j & 1) << 4);
      const auto second = static_cast<int>((q[j] >> 4) | (high >> (16 + j) & 1) << 4);
      out[j] = d * static_cast<float>(first - 16);
      out[16 + j] = d * static_cast<float>(second - 16);
    }
  }
}

void EncodeQ5_0(const float* in, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 32, out += 22) {
    const float d = Farthest(in) / -16;
    const float inverse = InverseOrZero(d);
    Store(out, FloatToHalf(d));
    StoreFives([&](int j) { return Level(in[j] * inverse + 16.5f, 31); }, out + 2, out + 6);
  }
}

void EncodeQ5_0Weighted(const float* in, const float* importance, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 32, importance += 32, out += 22) {
    float weights[32];
    FillWeights(in, importance, 32, weights);
    const uint16_t half = FloatToHalf(FitScale(in, weights, 32, -16, 15));
    const float inverse = InverseOrZero(HalfToFloat(half));
    Store(out, half);
    StoreFives([&](int j) { return NearestLevel(in[j] * inverse, -16, 15) + 16; }, out + 2,
               out + 6);
  }
}

}  // namespace hearth::model::blocks
