// Q5_1, 32 elements in 24 bytes: half d, half m; 4 bytes of fifth bits and 16 bytes q as in Q5_0.
// Value: d * q + m.
#include "model/quant/blocks.h"
#include "model/quant/fit.h"
#include "model/quant/importance_weights.h"
#include "model/quant/scales.h"

namespace hearth::model::blocks {

void DecodeQ5_1(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 24, out += 32) {
    const float d = LoadHalf(in);
    const float m = LoadHalf(in + 2);
    const auto high = Load<uint32_t>(in + 4);
    const uint8_t* const q = in + 8;
    for (int j = 0; j < 16; ++j) {
      const auto first = static_cast<int>((q[j] & 15) | (high >> j & 1) << 4);
      const auto second = static_cast<int>((q[j] >> 4) | (high >> (16 + j) & 1) << 4);
      out[j] = d * static_cast<float>(first) + m;
      out[16 + j] = d * static_cast<float>(second) + m;
    }
  }
}

void EncodeQ5_1(const float* in, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 32, out += 24) {
    const auto [least, most] = std::minmax_element(in, in + 32);
    const float d = (*most - *least) / 31;
    const float inverse = InverseOrZero(d);
    Store(out, FloatToHalf(d));
    Store(out + 2, FloatToHalf(*least));
    uint32_t high = 0;
    for (int j = 0; j < 16; ++j) {
      const uint8_t first = Level((in[j] - *least) * inverse + 0.5f, 31);
      const uint8_t second = Level((in[16 + j] - *least) * inverse + 0.5f, 31);
      out[8 + j] = static_cast<uint8_t>((first & 15) | second << 4);
      high |= static_cast<uint32_t>(first >> 4) << j | static_cast<uint32_t>(second >> 4)
                                                           << (16 + j);
    }
    Store(out + 4, high);
  }
}

void EncodeQ5_1Weighted(const float* in, const float* importance, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 32, importance += 32, out += 24) {
    float weights[32];
    FillWeights(in, importance, 32, weights);
    const Affine fit = FitAffine(in, weights, 32, 31, false);
    const uint16_t d = FloatToHalf(fit.scale);
    const uint16_t m = FloatToHalf(fit.minimum);
    const float inverse = InverseOrZero(HalfToFloat(d));
    const float minimum = HalfToFloat(m);
    Store(out, d);
    Store(out + 2, m);
    uint32_t high = 0;
    for (int j = 0; j < 16; ++j) {
      const int first = NearestLevel((in[j] - minimum) * inverse, 0, 31);
      const int second = NearestLevel((in[16 + j] - minimum) * inverse, 0, 31);
      out[8 + j] = static_cast<uint8_t>((first & 15) | (second & 15) << 4);
      high |= static_cast<uint32_t>(first >> 4) << j;
      high |= static_cast<uint32_t>(second >> 4) << (16 + j);
    }
    Store(out + 4, high);
  }
}

}  // namespace hearth::model::blocks
