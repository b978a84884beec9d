// What the lanes of a warp do together. Sums run in one order whatever the grid, so that results
// are the same bit by bit however a batch is cut.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace hearth::model::cuda {

constexpr unsigned kLanes = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

struct Sum {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Max {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
  __device__ unsigned operator()(unsigned a, unsigned b) const { return max(a, b); }
};

// One value of the values of some neighbouring lanes of a warp (32, 16, ...), or of a block's
// kThreads threads, given to each. The whole warp, or block, calls it; the values of a block's
// warps are taken in order.
template <typename Join, unsigned kSome, typename T>
__device__ T LanesJoin(T x) {
  for (unsigned d = kSome / 2; d != 0; d /= 2) x = Join{}(x, __shfl_xor_sync(kAllLanes, x, d));
  return x;
}
template <typename Join, unsigned kThreads, typename T>
__device__ T BlockJoin(T x) {
  __shared__ T of_warps[kThreads / kLanes];
  x = LanesJoin<Join, kLanes>(x);
  if (threadIdx.x % kLanes == 0) of_warps[threadIdx.x / kLanes] = x;
  __syncthreads();  // all are written before the first is read
  x = of_warps[0];
  for (unsigned i = 1; i < kThreads / kLanes; ++i) x = Join{}(x, of_warps[i]);
  __syncthreads();  // all are read before the next call writes
  return x;
}

template <typename T>
__device__ T WarpSum(T x) {
  return LanesJoin<Sum, kLanes>(x);
}
__device__ inline float WarpMax(float x) { return LanesJoin<Max, kLanes>(x); }
template <unsigned kThreads>
__device__ float BlockSum(float x) {
  return BlockJoin<Sum, kThreads>(x);
}
template <unsigned kThreads>
__device__ unsigned BlockMax(unsigned x) {
  return BlockJoin<Max, kThreads>(x);
}

__device__ inline float HalfAt(const uint8_t* p) {
  return __half2float(__ushort_as_half(*reinterpret_cast<const unsigned short*>(p)));
}
__device__ inline float HalfOf(unsigned bits) {
  return __half2float(__ushort_as_half(static_cast<unsigned short>(bits)));
}
__device__ inline float BrainOf(unsigned bits) { return __uint_as_float(bits << 16); }
__device__ inline unsigned short BrainFrom(float x) {  // to nearest even; NaN stays NaN
  const unsigned bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<unsigned short>(bits >> 16 | 0x40u);
  return static_cast<unsigned short>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace hearth::model::cuda
