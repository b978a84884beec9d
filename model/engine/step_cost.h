// StepCost: how long a pass takes, by its number of tokens, as measured so far. It decides how much
// of a prompt is read between two tokens of others, and where a draft pays.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hearth::model {

class StepCost {
 public:
  void Observe(uint32_t tokens, double seconds);
  // Seconds of a pass, from the sizes nearest to it that were seen; 0 before any was.
  double Predict(uint32_t tokens) const;
  // The most tokens beside `others` of a pass that lasts no longer than this, up to `most`; what is
  // not known is taken to fit.
  uint32_t MostWithin(double seconds, uint32_t others, uint32_t most) const;

 private:
  static constexpr uint32_t kExact = 16;  // sizes up to this have a place of their own
  static constexpr size_t kPlaces = 48;
  struct Place {
    double tokens = 0;   // mean size of what was seen
    double seconds = 0;  // 0: nothing was
  };
  static size_t PlaceOf(uint32_t tokens);
  std::array<Place, kPlaces> places_{};
};

}  // namespace hearth::model
