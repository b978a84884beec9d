// The CPU kernels for AVX-512 with VNNI.
#include "model/backend/cpu/kernels.h"
#include "model/quant.h"

#if defined(__x86_64__)
#include "model/backend/cpu/simd_avx512.h"

#define HEARTH_ISA avx512
#define HEARTH_TABLE kAvx512Kernels
#include "model/backend/cpu/kernels_impl.h"
#endif
