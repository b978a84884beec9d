// Candidates as whole numbers, larger for those that come first: of equal scores the smaller id.
#pragma once

#include <cuda_runtime.h>

namespace hearth::model::cuda {

using OrderKey = unsigned long long;  // never 0 for a candidate

__device__ inline OrderKey KeyOf(float score, unsigned id) {
  const unsigned bits = __float_as_uint(score == 0.0f ? 0.0f : score);  // the zeros are equal
  const unsigned ordered = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return static_cast<OrderKey>(ordered) << 32 | (0xffffffffu - id);
}
__device__ inline float ScoreOf(OrderKey key) {
  const auto ordered = static_cast<unsigned>(key >> 32);
  return __uint_as_float((ordered & 0x80000000u) != 0 ? ordered & 0x7fffffffu : ~ordered);
}
__device__ inline int IdOf(OrderKey key) {
  return static_cast<int>(0xffffffffu - static_cast<unsigned>(key));
}

struct Largest {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};
struct Smallest {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};

}  // namespace hearth::model::cuda
