#include "model/backend/rope.h"

#include <cmath>

namespace hearth::model {

RopeFrequencies::RopeFrequencies(const RopeConfig& config)
    : inverse_(config.dims / 2), magnitude_(config.magnitude) {
  for (size_t i = 0; i < inverse_.size(); ++i) {
    inverse_[i] = std::pow(config.base, -2.0 * static_cast<double>(i) / config.dims);
    if (!config.frequency_factors.empty()) inverse_[i] /= config.frequency_factors[i];
  }
}

double RopeFrequencies::cosine(size_t pair, uint32_t position) const {
  return magnitude_ * std::cos(angle(pair, position));
}

double RopeFrequencies::sine(size_t pair, uint32_t position) const {
  return magnitude_ * std::sin(angle(pair, position));
}

}  // namespace hearth::model
