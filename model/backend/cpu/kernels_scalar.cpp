// The CPU kernels for any processor.
#include "model/backend/cpu/kernels.h"
#include "model/backend/cpu/simd_scalar.h"
#include "model/quant.h"

#define HEARTH_ISA scalar
#define HEARTH_TABLE kScalarKernels
#include "model/backend/cpu/kernels_impl.h"
