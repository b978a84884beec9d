// Whether these tests run on a GPU (tests/cuda/run.sh) or on the host (host/cuda_runtime.h).
#pragma once

#include <cuda_runtime.h>

namespace hearth::test {

#ifdef HEARTH_CUDA_ON_DEVICE
constexpr bool kOnDevice = true;
#else
constexpr bool kOnDevice = false;
#endif

// While there is one, launches on the host begin before those ahead of them, as on a GPU. What they
// wrote may be read behind a wait or a copy alone.
class OverlappingLaunches {
 public:
#ifndef HEARTH_CUDA_ON_DEVICE
  OverlappingLaunches() { cuda_on_host::overlap = true; }
  ~OverlappingLaunches() {
    cuda_on_host::Finish();
    cuda_on_host::overlap = false;
  }
#else
  OverlappingLaunches() {}
  ~OverlappingLaunches() {}
#endif
  OverlappingLaunches(const OverlappingLaunches&) = delete;
  OverlappingLaunches& operator=(const OverlappingLaunches&) = delete;
};

}  // namespace hearth::test
