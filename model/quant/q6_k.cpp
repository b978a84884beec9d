// Q6_K, 256 elements in 210 bytes: 128 bytes l (low four bits), 64 bytes h (high two bits), 16
// signed bytes of scales, one for 16 elements; half d. Value: d * scale * (q - 32). Half a block is
// 64 bytes of l, whose low nibbles are its first 64 elements, and 32 bytes of h as q in Q2_K.
#include <algorithm>
#include <cmath>

#include "model/quant/blocks.h"
#include "model/quant/fit.h"
#include "model/quant/importance_weights.h"

namespace hearth::model::blocks {

void DecodeQ6_K(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 210, out += 256) {
    const uint8_t* const low = in;
    const uint8_t* const high = in + 128;
    const uint8_t* const scales = in + 192;
    const float d = LoadHalf(in + 208);
    for (int e = 0; e < 256; ++e) {
      const int four = low[e / 128 * 64 + e % 64] >> (4 * (e % 128 / 64)) & 15;
      const int two = high[e / 128 * 32 + e % 32] >> (2 * (e % 128 / 32)) & 3;
      const float step = d * static_cast<float>(static_cast<int8_t>(scales[e / 16]));
      out[e] = step * static_cast<float>((four | two << 4) - 32);
    }
  }
}

namespace {

// The signed-byte scale near `wanted` with the least error.
int BestScale(const float* x, const float* w, float wanted, float d) {
  const int nearest = std::clamp(NearestLevel(wanted / d, -128, 127), -127, 126);
  Affine fits[3];
  for (int i = 0; i < 3; ++i) fits[i].scale = d * static_cast<float>(nearest - 1 + i);
  return nearest - 1 + static_cast<int>(LeastAffineError(x, w, 16, fits, -32, 31));
}

}  // namespace

void EncodeQ6_K(const float* in, const float* importance, uint8_t* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 256, out += 210) {
    float weights[256];
    float fits[16];
    float farthest = 0;
    for (int g = 0; g < 16; ++g) {
      const float* const x = in + 16 * g;
      FillWeights(x, importance == nullptr ? nullptr : importance + 16 * g, 16, weights + 16 * g);
      fits[g] = FitScale(x, weights + 16 * g, 16, -32, 31);
      if (std::abs(fits[g]) > std::abs(farthest)) farthest = fits[g];
    }
    if (importance != nullptr) importance += 256;
    std::memset(out, 0, 210);
    const uint16_t half = FloatToHalf(farthest / -128);
    const float d = HalfToFloat(half);
    Store(out + 208, half);
    for (int e = 0, scale = 0; e < 256; ++e) {
      if (e % 16 == 0) {
        scale = d == 0 ? 0 : BestScale(in + e, weights + e, fits[e / 16], d);
        out[192 + e / 16] = static_cast<uint8_t>(scale);
      }
      const float step = d * static_cast<float>(scale);
      const int q = step == 0 ? 32 : NearestLevel(in[e] / step, -32, 31) + 32;
      uint8_t& low = out[e / 128 * 64 + e % 64];
      uint8_t& high = out[128 + e / 128 * 32 + e % 32];
      low = static_cast<uint8_t>(low | (q & 15) << (4 * (e % 128 / 64)));
      high = static_cast<uint8_t>(high | q >> 4 << (2 * (e % 128 / 32)));
    }
  }
}

}  // namespace hearth::model::blocks
