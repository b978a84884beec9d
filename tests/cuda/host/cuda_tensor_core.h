// The instructions of model/backend/cuda/tensor_core.cuh on the host, by exchange between lanes:
// who holds what is written down there. Sums run in the order of k; a device's run in another.
#pragma once

#include <cstdio>
#include <vector>

#include "model/quant.h"
#include "tests/cuda/host/cuda_runtime.h"

namespace hearth::model::cuda {

inline float LowHalf(unsigned pair) { return HalfToFloat(static_cast<uint16_t>(pair)); }
inline float HighHalf(unsigned pair) { return HalfToFloat(static_cast<uint16_t>(pair >> 16)); }
inline unsigned HalfPair(float low, float high) {
  return FloatToHalf(low) | static_cast<unsigned>(FloatToHalf(high)) << 16;
}

inline void MultiplyAdd(const unsigned* a, const unsigned* b, float* c) {
  float given[12];  // A and B of the lane
  for (int i = 0; i < 4; ++i) {
    given[2 * i] = LowHalf(a[i]);
    given[2 * i + 1] = HighHalf(a[i]);
  }
  for (int i = 0; i < 2; ++i) {
    given[8 + 2 * i] = LowHalf(b[i]);
    given[9 + 2 * i] = HighHalf(b[i]);
  }
  cuda_on_host::Give(given, sizeof(given));
  const unsigned g = cuda_on_host::Lane() / 4;
  const unsigned t = cuda_on_host::Lane() % 4;
  for (unsigned e = 0; e < 4; ++e) {
    const unsigned column = 2 * t + e % 2;
    for (unsigned k = 0; k < 16; ++k) {
      const unsigned holder = k % 8 / 2;
      const auto* of_a = static_cast<const float*>(cuda_on_host::Given(4 * g + holder));
      const auto* of_b = static_cast<const float*>(cuda_on_host::Given(4 * column + holder));
      const unsigned word_of_a = e / 2 + k / 8 * 2;
      c[e] += of_a[2 * word_of_a + k % 2] * of_b[8 + 2 * (k / 8) + k % 2];
    }
  }
}

inline void CheckAligned(const void* p) {
  if (reinterpret_cast<uintptr_t>(p) % 16 == 0) return;
  std::fprintf(stderr, "cuda on host: an address that is not aligned to 16\n");
  std::abort();
}

inline void LoadMatrices(const void* row, unsigned* words) {
  CheckAligned(row);
  cuda_on_host::Give(row, 16);
  const unsigned lane = cuda_on_host::Lane();
  for (unsigned q = 0; q < 4; ++q) {
    words[q] = static_cast<const unsigned*>(cuda_on_host::Given(8 * q + lane / 4))[lane % 4];
  }
}
inline void LoadMatricesTransposed(const void* row, unsigned* words) {
  CheckAligned(row);
  cuda_on_host::Give(row, 16);
  const unsigned lane = cuda_on_host::Lane();
  for (unsigned q = 0; q < 4; ++q) {
    const auto half = [&](unsigned r) -> unsigned {
      return static_cast<const uint16_t*>(cuda_on_host::Given(8 * q + r))[lane / 4];
    };
    words[q] = half(lane % 4 * 2) | half(lane % 4 * 2 + 1) << 16;
  }
}

// Half of the threads' copies happen at once, the others' when they are waited for: what is read
// too early and what is overwritten too early both show.
inline void CopyAsync(void* to, const void* from, bool wanted) {
  CheckAligned(to);
  CheckAligned(from);
  cuda_on_host::Later([=] { wanted ? std::memcpy(to, from, 16) : std::memset(to, 0, 16); });
}
inline void WaitForCopies() {
  cuda_on_host::DoLater();
  cuda_on_host::SetUnfenced(true);
}

}  // namespace hearth::model::cuda
