// Q4_1, 32 elements in 20 bytes: half d, half m; 16 bytes q. Element j is the low nibble of q[j],
// element 16 + j the high one. Value: d * q + m.
#include "model/quant/blocks.h"
#include "model/quant/fit.h"
#include "model/quant/importance_weights.h"
#include "model/quant/scales.h"

namespace hearth::model::blocks {

void DecodeQ4_1(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 20, out += 32) {
    const float d = LoadHalf(in);
    const float m = LoadHalf(in + 2);
    const uint8_t* const q = in + 4;
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(q[j] & 15) + m;
      out[16 + j] = d * static_cast<float>(q[j] >> 4) + m;
    }
  }
}

void EncodeQ4_1(const float* in, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 32, out += 20) {
    const auto [least, most] = std::minmax_element(in, in + 32);
    const float d = (*most - *least) / 15;
    const float inverse = InverseOrZero(d);
    Store(out, FloatToHalf(d));
    Store(out + 2, FloatToHalf(*least));
    for (int j = 0; j < 16; ++j) {
      const uint8_t first = Level((in[j] - *least) * inverse + 0.5f, 15);
      const uint8_t second = Level((in[16 + j] - *least) * inverse + 0.5f, 15);
      out[4 + j] = static_cast<uint8_t>(first | second << 4);
    }
  }
}

void EncodeQ4_1Weighted(const float* in, const float* importance, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 32, importance += 32, out += 20) {
    float weights[32];
    FillWeights(in, importance, 32, weights);
    const Affine fit = FitAffine(in, weights, 32, 15, false);
    const uint16_t d = FloatToHalf(fit.scale);
    const uint16_t m = FloatToHalf(fit.minimum);
    const float inverse = InverseOrZero(HalfToFloat(d));
    const float minimum = HalfToFloat(m);
    Store(out, d);
    Store(out + 2, m);
    for (int j = 0; j < 16; ++j) {
      const int first = NearestLevel((in[j] - minimum) * inverse, 0, 15);
      const int second = NearestLevel((in[16 + j] - minimum) * inverse, 0, 15);
      out[4 + j] = static_cast<uint8_t>(first | second << 4);
    }
  }
}

}  // namespace hearth::model::blocks
