// How much an error in each element of a block counts, for the fits of fit.h.
#pragma once

#include <cmath>
#include <cstdint>

#include "model/quant/blocks.h"
#include "model/quant/fit.h"
#include "model/quant/scales.h"

namespace hearth::model::blocks {

// With an importance (the mean square of what an element is multiplied with) that alone: the sum of
// importance times squared error is what the outputs are off by. Without one the element's own
// size, softened by the block's: large weights carry more of the output.
inline void FillWeights(const float* x, const float* importance, int n, float* w) {
  float squares = 0;
  for (int i = 0; i < n; ++i) squares += x[i] * x[i];
  const float root = std::sqrt(squares / static_cast<float>(n));
  for (int i = 0; i < n; ++i) {
    const float weight = importance == nullptr ? root + std::abs(x[i]) : importance[i];
    // A weight of zero would let a block of zeros divide by it.
    w[i] = weight > 1e-30f ? weight : 1e-30f;
  }
}

// Fits a scale and a minimum for levels up to `high` to 32 elements, and stores both as halves;
// gives what takes an element to its level.
struct StoredAffine {
  float inverse;  // of the scale as stored; 0 where that is 0
  float minimum;  // as stored
  int high;
  int LevelOf(float x) const { return NearestLevel((x - minimum) * inverse, 0, high); }
};
inline StoredAffine FitAndStoreAffine(const float* in, const float* importance, int high,
                                      uint8_t* out) {
  float weights[32];
  FillWeights(in, importance, 32, weights);
  const Affine fit = FitAffine(in, weights, 32, high, false);
  const uint16_t d = FloatToHalf(fit.scale);
  const uint16_t m = FloatToHalf(fit.minimum);
  Store(out, d);
  Store(out + 2, m);
  return {InverseOrZero(HalfToFloat(d)), HalfToFloat(m), high};
}

}  // namespace hearth::model::blocks
