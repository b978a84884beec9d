#include "model/backend/rope.h"

#include <cmath>

namespace hearth::model {

RopeFrequencies::RopeFrequencies(const RopeConfig& config) : inverse_(config.dims / 2) {
  for (size_t i = 0; i < inverse_.size(); ++i) {
    inverse_[i] = std::pow(config.base, -2.0 * static_cast<double>(i) / config.dims);
    if (!config.frequency_factors.empty()) inverse_[i] /= config.frequency_factors[i];
  }
}

}  // namespace hearth::model
