#include "model/quant/fit.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/quant/floats4.h"

namespace hearth::model::blocks {
namespace {

Floats4 InverseOrZeros(Floats4 x) { return x == All(0) ? All(0) : All(1) / x; }

// The errors of four fits, each element rounded best.
Floats4 AffineErrors(const float* x, const float* w, int n, Floats4 scale, Floats4 minimum,
                     Floats4 low, Floats4 high) {
  const Floats4 inverse = InverseOrZeros(scale);
  Floats4 errors = All(0);
  for (int i = 0; i < n; ++i) {
    const Floats4 value = All(x[i]);
    const Floats4 q = NearestLevels((value - minimum) * inverse, low, high);
    const Floats4 off = scale * q + minimum - value;
    errors += All(w[i]) * off * off;
  }
  return errors;
}

}  // namespace

int NearestLevel(float value, int low, int high) {
  if (!(value > static_cast<float>(low))) return low;
  if (value >= static_cast<float>(high)) return high;
  return static_cast<int>(std::lrint(value));
}

float FitScale(const float* x, const float* w, int n, int low, int high) {
  constexpr int kCandidates = 32;  // for each sign
  float farthest = 0;
  for (int i = 0; i < n; ++i) {
    if (std::abs(x[i]) > std::abs(farthest)) farthest = x[i];
  }
  if (!(std::abs(farthest) > 1e-30f)) return 0;
  const Floats4 lows = All(static_cast<float>(low));
  const Floats4 highs = All(static_cast<float>(high));
  // The farthest element takes about the level at one end or the other: somewhat within, so that
  // the others are spread more finely over the levels, or beyond, so that it alone is cut.
  const float spread = static_cast<float>(high) * 0.2f;
  float best = 0;
  float best_gain = 0;
  for (int c = 0; c < 2 * kCandidates; c += 4) {
    const auto end = static_cast<float>(c < kCandidates ? low : high);
    Floats4 inverse;
    for (int k = 0; k < 4; ++k) {
      const float share = static_cast<float>((c + k) % kCandidates) / (kCandidates - 1);
      inverse[k] = (end + (2 * share - 1) * spread) / farthest;
    }
    Floats4 cross = All(0);
    Floats4 squares = All(0);
    for (int i = 0; i < n; ++i) {
      const Floats4 q = NearestLevels(inverse * All(x[i]), lows, highs);
      cross += All(w[i] * x[i]) * q;
      squares += All(w[i]) * q * q;
    }
    for (int k = 0; k < 4; ++k) {
      // The error of the best scale for these levels is what it takes away from the sum of w x^2.
      if (squares[k] > 0 && cross[k] * cross[k] > best_gain * squares[k]) {
        best_gain = cross[k] * cross[k] / squares[k];
        best = cross[k] / squares[k];
      }
    }
  }
  return best;
}

float AffineError(const float* x, const float* w, int n, Affine affine, int low, int high) {
  return AffineErrors(x, w, n, All(affine.scale), All(affine.minimum), All(static_cast<float>(low)),
                      All(static_cast<float>(high)))[0];
}

size_t LeastAffineError(const float* x, const float* w, int n, std::span<const Affine> of, int low,
                        int high) {
  size_t best = 0;
  float best_error = std::numeric_limits<float>::infinity();
  for (size_t at = 0; at < of.size(); at += 4) {
    Floats4 scale;
    Floats4 minimum;
    for (size_t k = 0; k < 4; ++k) {
      const Affine& affine = of[std::min(at + k, of.size() - 1)];
      scale[k] = affine.scale;
      minimum[k] = affine.minimum;
    }
    const Floats4 errors = AffineErrors(x, w, n, scale, minimum, All(static_cast<float>(low)),
                                        All(static_cast<float>(high)));
    for (size_t k = 0; k < 4 && at + k < of.size(); ++k) {
      if (errors[k] < best_error) {
        best_error = errors[k];
        best = at + k;
      }
    }
  }
  return best;
}

namespace {

// Scale and minimum that suit the levels which `from` rounds to, four at once.
class AffineFitter {
 public:
  AffineFitter(const float* x, const float* w, int n, int high, bool only_below)
      : x_(x), w_(w), n_(n), high_(high), only_below_(only_below) {
    for (int i = 0; i < n; ++i) {
      least_ = std::min(least_, x[i]);
      most_ = std::max(most_, x[i]);
      sum_w_ += w[i];
      sum_x_ += w[i] * x[i];
    }
    if (only_below && least_ > 0) least_ = 0;
  }
  float least() const { return least_; }
  float most() const { return most_; }

  // The candidates that cannot be fitted stay as they are.
  void Refit(std::span<Affine, 4> of) const {
    Floats4 inverse;
    Floats4 minimum;
    for (size_t k = 0; k < 4; ++k) {
      inverse[k] = 1 / of[k].scale;
      minimum[k] = of[k].minimum;
    }
    Floats4 sum_q = All(0);
    Floats4 sum_qq = All(0);
    Floats4 sum_xq = All(0);
    for (int i = 0; i < n_; ++i) {
      const Floats4 q =
          NearestLevels(inverse * (All(x_[i]) - minimum), All(0), All(static_cast<float>(high_)));
      const Floats4 wq = All(w_[i]) * q;
      sum_q += wq;
      sum_qq += wq * q;
      sum_xq += wq * All(x_[i]);
    }
    for (size_t k = 0; k < 4; ++k) {
      const float determinant = sum_w_ * sum_qq[k] - sum_q[k] * sum_q[k];
      if (!(determinant > 0)) continue;
      Affine fit = {.scale = (sum_w_ * sum_xq[k] - sum_x_ * sum_q[k]) / determinant,
                    .minimum = (sum_qq[k] * sum_x_ - sum_q[k] * sum_xq[k]) / determinant};
      if (only_below_ && fit.minimum > 0) fit = {.scale = sum_xq[k] / sum_qq[k], .minimum = 0};
      if (fit.scale > 0) of[k] = fit;
    }
  }

 private:
  const float* x_;
  const float* w_;
  int n_;
  int high_;
  bool only_below_;
  float least_ = x_[0];
  float most_ = x_[0];
  float sum_w_ = 0;
  float sum_x_ = 0;
};

}  // namespace

Affine FitAffine(const float* x, const float* w, int n, int high, bool only_below) {
  constexpr int kCandidates = 24;
  constexpr int kRounds = 2;  // a fit rounds differently, and suits those levels in turn
  const AffineFitter fitter(x, w, n, high, only_below);
  const float range = fitter.most() - fitter.least();
  if (!(range > 1e-30f)) return {.scale = 0, .minimum = fitter.least()};
  const auto top = static_cast<float>(high);
  Affine fits[kCandidates + 1];
  for (int c = 0; c < kCandidates; ++c) {
    const float share = static_cast<float>(c) / (kCandidates - 1);
    fits[c] = {.scale = range / (top * (0.85f + 0.3f * share)), .minimum = fitter.least()};
  }
  fits[kCandidates] = {.scale = range / top, .minimum = fitter.least()};
  for (int c = 0; c < kCandidates; c += 4) {
    for (int round = 0; round < kRounds; ++round) fitter.Refit(std::span<Affine, 4>(fits + c, 4));
  }
  return fits[LeastAffineError(x, w, n, fits, 0, high)];
}

}  // namespace hearth::model::blocks
