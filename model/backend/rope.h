// Rotary position embedding: the angles of a RopeConfig, and the rotation of one head.
// After: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/model_config.h"

namespace hearth::model {

// Angles per position of each pair of elements, computed in double precision.
class RopeFrequencies {
 public:
  explicit RopeFrequencies(const RopeConfig& config);
  size_t pairs() const { return inverse_.size(); }
  double angle(size_t pair, uint32_t position) const { return position * inverse_[pair]; }
  double cosine(size_t pair, uint32_t position) const;  // times the magnitude
  double sine(size_t pair, uint32_t position) const;

 private:
  std::vector<double> inverse_;
  double magnitude_;
};

// Rotates the first 2 * n_pairs elements of one head in place.
template <typename Real>
inline void Rotate(Real* head, RopePairs pairs, const Real* cosines, const Real* sines,
                   size_t n_pairs) {
  for (size_t i = 0; i < n_pairs; ++i) {
    const size_t a = pairs == RopePairs::kInterleaved ? 2 * i : i;
    const size_t b = pairs == RopePairs::kInterleaved ? 2 * i + 1 : i + n_pairs;
    const Real x = head[a];
    const Real y = head[b];
    head[a] = x * cosines[i] - y * sines[i];
    head[b] = x * sines[i] + y * cosines[i];
  }
}

}  // namespace hearth::model
