// How much an error in each element of a block counts, for the fits of fit.h.
#pragma once

#include <cmath>

namespace hearth::model::blocks {

// With an importance (the mean square of what an element is multiplied with) that, times the
// element's own size, softened by the block's: large weights carry more of the output. Without one
// the size alone.
inline void FillWeights(const float* x, const float* importance, int n, float* w) {
  float squares = 0;
  for (int i = 0; i < n; ++i) squares += x[i] * x[i];
  const float mean = squares / static_cast<float>(n);
  const float root = std::sqrt(mean);
  for (int i = 0; i < n; ++i) {
    const float size = importance == nullptr ? root + std::abs(x[i])
                                             : importance[i] * std::sqrt(mean + x[i] * x[i]);
    // A weight of zero would let a block of zeros divide by it.
    w[i] = size > 1e-30f ? size : 1e-30f;
  }
}

}  // namespace hearth::model::blocks
