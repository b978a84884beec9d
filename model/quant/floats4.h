// Floats4: four floats that are computed with at once, by the compiler's own vectors. The fits of
// fit.h try four candidates in the time of one.
#pragma once

namespace hearth::model::blocks {

using Floats4 = float __attribute__((vector_size(16)));

inline Floats4 All(float x) { return Floats4{x, x, x, x}; }

// The nearest whole numbers in [low, high], |low| and |high| below 2^22. Not for NaN.
inline Floats4 NearestLevels(Floats4 values, Floats4 low, Floats4 high) {
  values = values < low ? low : values;
  values = values > high ? high : values;
  // Where whole numbers lie one apart, adding rounds.
  const Floats4 whole = All(0x1.8p23f);
  return (values + whole) - whole;
}

}  // namespace hearth::model::blocks
