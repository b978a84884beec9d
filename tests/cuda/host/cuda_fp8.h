// Floats of 8 bits for kernels that run on the host: e4m3 of the OCP 8-bit Floating Point
// Specification (4 bits of exponent, bias 7, no infinity, NaN S.1111.111), by its definition.
#pragma once

#include <cmath>

#include "model/quant.h"

enum __nv_saturation_t { __NV_SATFINITE };
enum __nv_fp8_interpretation_t { __NV_E4M3 };
using __nv_fp8_storage_t = unsigned char;
struct __half_raw {
  unsigned short x;
};

inline float E4m3ToFloat(unsigned char bits) {
  const int exponent = bits >> 3 & 15;
  const int mantissa = bits & 7;
  if (exponent == 15 && mantissa == 7) return NAN;
  const float size = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                                   : std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
  return (bits & 0x80) != 0 ? -size : size;
}

// The nearest; of two as near the one whose last bit is 0. What is too large becomes the largest.
inline __nv_fp8_storage_t __nv_cvt_float_to_fp8(float x, __nv_saturation_t,
                                                __nv_fp8_interpretation_t) {
  const unsigned char sign = std::signbit(x) ? 0x80 : 0;
  if (std::isnan(x)) return sign | 0x7f;
  const float size = std::fabs(x);
  unsigned char best = 0;
  for (unsigned char bits = 1; bits < 0x7f; ++bits) {
    const float nearer = std::fabs(E4m3ToFloat(bits) - size);
    const float so_far = std::fabs(E4m3ToFloat(best) - size);
    if (nearer < so_far || (nearer == so_far && bits % 2 == 0)) best = bits;
  }
  return sign | best;
}
inline __half_raw __nv_cvt_fp8_to_halfraw(__nv_fp8_storage_t bits, __nv_fp8_interpretation_t) {
  return {hearth::model::FloatToHalf(E4m3ToFloat(bits))};
}
