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
    const float least_value = *least;
    StoreFives([&](int j) { return Level((in[j] - least_value) * inverse + 0.5f, 31); }, out + 4,
               out + 8);
  }
}

void EncodeQ5_1Weighted(const float* in, const float* importance, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 32, importance += 32, out += 24) {
    const StoredAffine fit = FitAndStoreAffine(in, importance, 31, out);
    StoreFives([&](int j) { return fit.LevelOf(in[j]); }, out + 4, out + 8);
  }
}

}  // namespace hearth::model::blocks
