// The CPU kernels for AVX2 with FMA and F16C.
#include "model/backend/cpu/kernels.h"
#include "model/quant.h"

#if defined(__x86_64__)
#include "model/backend/cpu/simd_avx2.h"

#define HEARTH_ISA avx2
#define HEARTH_TABLE kAvx2Kernels
#include "model/backend/cpu/kernels_impl.h"
#endif
