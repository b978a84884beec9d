#include "model/quant/fit.h"

#include <algorithm>
#include <cmath>

namespace hearth::model::blocks {

int NearestLevel(float value, int low, int high) {
  if (!(value > static_cast<float>(low))) return low;
  if (value >= static_cast<float>(high)) return high;
  return static_cast<int>(std::lrint(value));
}

float FitScale(const float* x, const float* w, int n, int low, int high) {
  constexpr int kCandidates = 12;
  float farthest = 0;
  for (int i = 0; i < n; ++i) {
    if (std::abs(x[i]) > std::abs(farthest)) farthest = x[i];
  }
  if (!(std::abs(farthest) > 1e-30f)) return 0;
  float best = 0;
  float best_gain = 0;
  // The farthest element takes the lowest level, of which there is one more than above zero, or one
  // somewhat beyond it.
  for (int c = -kCandidates; c <= kCandidates; ++c) {
    const float inverse = (static_cast<float>(low) + 0.1f * static_cast<float>(c)) / farthest;
    float cross = 0;
    float squares = 0;
    for (int i = 0; i < n; ++i) {
      const auto q = static_cast<float>(NearestLevel(inverse * x[i], low, high));
      cross += w[i] * x[i] * q;
      squares += w[i] * q * q;
    }
    // The error of the best scale for these levels is what it takes away from the sum of w x^2.
    if (squares > 0 && cross * cross > best_gain * squares) {
      best_gain = cross * cross / squares;
      best = cross / squares;
    }
  }
  return best;
}

float AffineError(const float* x, const float* w, int n, Affine affine, int low, int high) {
  const float inverse = affine.scale == 0 ? 0 : 1 / affine.scale;
  float error = 0;
  for (int i = 0; i < n; ++i) {
    const int q = NearestLevel((x[i] - affine.minimum) * inverse, low, high);
    const float off = affine.scale * static_cast<float>(q) + affine.minimum - x[i];
    error += w[i] * off * off;
  }
  return error;
}

Affine FitAffine(const float* x, const float* w, int n, int high, bool only_below) {
  constexpr int kCandidates = 20;
  float least = x[0];
  float most = x[0];
  float sum_w = 0;
  float sum_x = 0;
  for (int i = 0; i < n; ++i) {
    least = std::min(least, x[i]);
    most = std::max(most, x[i]);
    sum_w += w[i];
    sum_x += w[i] * x[i];
  }
  if (only_below && least > 0) least = 0;
  if (!(most - least > 1e-30f)) return {.scale = 0, .minimum = least};
  Affine best = {.scale = (most - least) / static_cast<float>(high), .minimum = least};
  float best_error = AffineError(x, w, n, best, 0, high);
  for (int c = 0; c <= kCandidates; ++c) {
    const float levels = static_cast<float>(high) - 1.0f + 0.1f * static_cast<float>(c);
    const float inverse = levels / (most - least);
    float sum_q = 0;
    float sum_qq = 0;
    float sum_xq = 0;
    for (int i = 0; i < n; ++i) {
      const auto q = static_cast<float>(NearestLevel(inverse * (x[i] - least), 0, high));
      sum_q += w[i] * q;
      sum_qq += w[i] * q * q;
      sum_xq += w[i] * x[i] * q;
    }
    const float determinant = sum_w * sum_qq - sum_q * sum_q;
    if (!(determinant > 0)) continue;
    Affine fit = {.scale = (sum_w * sum_xq - sum_x * sum_q) / determinant,
                  .minimum = (sum_qq * sum_x - sum_q * sum_xq) / determinant};
    if (only_below && fit.minimum > 0) fit = {.scale = sum_xq / sum_qq, .minimum = 0};
    if (!(fit.scale > 0)) continue;
    const float error = AffineError(x, w, n, fit, 0, high);
    if (error < best_error) {
      best_error = error;
      best = fit;
    }
  }
  return best;
}

}  // namespace hearth::model::blocks
