// How blocks find a scale: the weighted least-squares fit over a few candidate roundings.
//
// Rounding decides which level an element takes, the levels decide the best scale for them, and
// that one rounds differently again; trying some starting scales and keeping the best is what
// works.
#pragma once

#include <cstddef>
#include <span>

namespace hearth::model::blocks {

// x ≈ scale * q with whole q in [low, high], low < 0. Errors count by w (> 0). 0 where x is.
float FitScale(const float* x, const float* w, int n, int low, int high);

// x ≈ scale * q + minimum with whole q in [0, high]. `only_below`: the minimum may not be above
// zero, because the format stores what is subtracted.
struct Affine {
  float scale = 0;
  float minimum = 0;
};
Affine FitAffine(const float* x, const float* w, int n, int high, bool only_below);

// The weighted error of x ≈ scale * q + minimum with each q rounded best.
float AffineError(const float* x, const float* w, int n, Affine affine, int low, int high);

// Which of some (at least one) has the least error.
size_t LeastAffineError(const float* x, const float* w, int n, std::span<const Affine> of, int low,
                        int high);

// The nearest level in [low, high].
int NearestLevel(float value, int low, int high);

}  // namespace hearth::model::blocks
