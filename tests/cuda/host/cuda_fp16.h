// Halves for kernels that run on the host; see cuda_runtime.h.
#pragma once

#include "model/quant.h"

struct __half {
  uint16_t bits;
};
inline __half __ushort_as_half(unsigned short x) { return {x}; }
inline unsigned short __half_as_ushort(__half x) { return x.bits; }
inline float __half2float(__half x) { return hearth::model::HalfToFloat(x.bits); }
inline __half __float2half_rn(float x) { return {hearth::model::FloatToHalf(x)}; }
