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
    const float least_value = *least;
    StoreNibbles([&](int j) { return Level((in[j] - least_value) * inverse + 0.5f, 15); }, out + 4);
  }
}

void EncodeQ4_1Weighted(const float* in, const float* importance, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 32, importance += 32, out += 20) {
    const StoredAffine fit = FitAndStoreAffine(in, importance, 15, out);
    StoreNibbles([&](int j) { return fit.LevelOf(in[j]); }, out + 4);
  }
}

}  // namespace hearth::model::blocks
