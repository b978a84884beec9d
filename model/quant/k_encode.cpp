#include "model/quant/k_encode.h"

#include <algorithm>
#include <span>

#include "model/quant.h"
#include "model/quant/fit.h"
#include "model/quant/importance_weights.h"
#include "model/quant/k_scales.h"

namespace hearth::model::blocks {
namespace {

constexpr int kGroups = 8;
constexpr int kGroup = 32;
constexpr int kHighestScale = 63;

// The six-bit pair near `wanted` with the least error: rounding scale and minimum each to the
// nearest is not the best of the pairs around them.
ScaleAndMinimum BestPair(const float* x, const float* w, Affine wanted, float d, float dmin,
                         int highest) {
  const int scale = d == 0 ? 0 : NearestLevel(wanted.scale / d, 0, kHighestScale);
  const int minimum = dmin == 0 ? 0 : NearestLevel(-wanted.minimum / dmin, 0, kHighestScale);
  ScaleAndMinimum pairs[9];
  Affine affines[9];
  size_t n = 0;
  for (int s = std::max(0, scale - 1); s <= std::min(kHighestScale, scale + 1); ++s) {
    for (int m = std::max(0, minimum - 1); m <= std::min(kHighestScale, minimum + 1); ++m, ++n) {
      pairs[n] = {static_cast<uint8_t>(s), static_cast<uint8_t>(m)};
      affines[n] = {.scale = d * static_cast<float>(s), .minimum = -dmin * static_cast<float>(m)};
    }
  }
  return pairs[LeastAffineError(x, w, kGroup, std::span(affines, n), 0, highest)];
}

}  // namespace

KLevels EncodeKLevels(const float* in, const float* importance, int highest) {
  float weights[256];
  Affine fits[kGroups];
  float most_scale = 0;
  float most_minimum = 0;
  for (int g = 0; g < kGroups; ++g) {
    const int at = g * kGroup;
    FillWeights(in + at, importance == nullptr ? nullptr : importance + at, kGroup, weights + at);
    fits[g] = FitAffine(in + at, weights + at, kGroup, highest, true);
    most_scale = std::max(most_scale, fits[g].scale);
    most_minimum = std::max(most_minimum, -fits[g].minimum);
  }
  KLevels out;
  out.d = FloatToHalf(most_scale / kHighestScale);
  out.dmin = FloatToHalf(most_minimum / kHighestScale);
  const float d = HalfToFloat(out.d);
  const float dmin = HalfToFloat(out.dmin);
  for (int g = 0; g < kGroups; ++g) {
    const int at = g * kGroup;
    const ScaleAndMinimum pair = BestPair(in + at, weights + at, fits[g], d, dmin, highest);
    StoreKScale(out.scales, g, pair);
    const float scale = d * static_cast<float>(pair.scale);
    const float minimum = dmin * static_cast<float>(pair.minimum);
    const float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = 0; i < kGroup; ++i) {
      out.levels[at + i] =
          static_cast<uint8_t>(NearestLevel((in[at + i] + minimum) * inverse, 0, highest));
    }
  }
  return out;
}

}  // namespace hearth::model::blocks
