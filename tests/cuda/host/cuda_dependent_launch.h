// The waits of model/backend/cuda/dependent_launch.cuh on the host; see cuda_runtime.h.
#pragma once

#include "tests/cuda/host/cuda_runtime.h"

namespace hearth::model::cuda {

inline void LetNextStart() {}
inline void WaitForEarlier() { cuda_on_host::WaitForEarlier(); }
inline void BeginKernel() { WaitForEarlier(); }

}  // namespace hearth::model::cuda
