#include "model/engine/step_cost.h"

#include <algorithm>
#include <cmath>

namespace hearth::model {
namespace {
// A new measurement counts for so much; for the other sizes, which contexts that grow and a machine
// that slows down move as well, for less.
constexpr double kShare = 0.2;
constexpr double kShareOfOthers = 0.05;
// A pass that was interrupted says little: more than this times the expected counts as this.
constexpr double kMostTimes = 2;
// What a pass costs before its first token (reading the weights), in tokens: where only one size
// was seen.
constexpr double kFixed = 8;
}  // namespace

size_t StepCost::PlaceOf(uint32_t tokens) {
  if (tokens <= kExact) return tokens;
  // Four places for each doubling.
  const double doublings = std::log2(static_cast<double>(tokens) / kExact);
  return std::min(kPlaces - 1, kExact + 1 + static_cast<size_t>(doublings * 4));
}

void StepCost::Observe(uint32_t tokens, double seconds) {
  Place& place = places_[PlaceOf(tokens)];
  if (place.seconds == 0) {
    place = {static_cast<double>(tokens), seconds};
    return;
  }
  const double expected = place.seconds;
  const double counted = std::min(seconds, kMostTimes * expected);
  const double others = 1 + kShareOfOthers * (counted / expected - 1);
  for (Place& other : places_) other.seconds *= others;
  place.tokens += kShare * (tokens - place.tokens);
  place.seconds = expected + kShare * (counted - expected);
}

double StepCost::Predict(uint32_t tokens) const {
  const double n = tokens;
  const Place* below = nullptr;
  const Place* above = nullptr;
  for (const Place& place : places_) {
    if (place.seconds == 0) continue;
    if (place.tokens <= n) below = &place;
    if (place.tokens >= n && above == nullptr) above = &place;
  }
  if (below == nullptr && above == nullptr) return 0;
  const Place* only = below == nullptr ? above : above == nullptr ? below : nullptr;
  if (only != nullptr) return only->seconds * (n + kFixed) / (only->tokens + kFixed);
  if (above->tokens == below->tokens) return below->seconds;
  const double along = (n - below->tokens) / (above->tokens - below->tokens);
  return below->seconds + along * (above->seconds - below->seconds);
}

uint32_t StepCost::MostWithin(double seconds, uint32_t others, uint32_t most) const {
  if (Predict(others + most) <= seconds) return most;
  uint32_t fits = 0;
  uint32_t too_many = most;
  while (too_many - fits > 1) {
    const uint32_t middle = fits + (too_many - fits) / 2;
    (Predict(others + middle) <= seconds ? fits : too_many) = middle;
  }
  return fits;
}

}  // namespace hearth::model
