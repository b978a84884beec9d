// Whether these tests run on a GPU (tests/cuda/run.sh) or on the host (host/cuda_runtime.h).
#pragma once

namespace hearth::test {

#ifdef HEARTH_CUDA_ON_DEVICE
constexpr bool kOnDevice = true;
#else
constexpr bool kOnDevice = false;
#endif

}  // namespace hearth::test
