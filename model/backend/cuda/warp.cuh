// What the lanes of a warp do together. Sums run in one order whatever the grid, so that results
// are the same bit by bit however a batch is cut.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace hearth::model::cuda {

constexpr unsigned kLanes = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

__device__ inline float WarpSum(float x) {
  for (unsigned d = kLanes / 2; d != 0; d /= 2) x += __shfl_xor_sync(kAllLanes, x, d);
  return x;
}
__device__ inline int WarpSum(int x) {
  for (unsigned d = kLanes / 2; d != 0; d /= 2) x += __shfl_xor_sync(kAllLanes, x, d);
  return x;
}
__device__ inline float WarpMax(float x) {
  for (unsigned d = kLanes / 2; d != 0; d /= 2) x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, d));
  return x;
}

// The sum over a block of kThreads threads, given to each; the block's warps' sums are added in
// order. All threads call it.
template <unsigned kThreads>
__device__ float BlockSum(float x) {
  __shared__ float sums[kThreads / kLanes];
  x = WarpSum(x);
  if (threadIdx.x % kLanes == 0) sums[threadIdx.x / kLanes] = x;
  __syncthreads();
  float sum = 0;
  for (unsigned i = 0; i < kThreads / kLanes; ++i) sum += sums[i];
  __syncthreads();
  return sum;
}

// The same for the largest.
template <unsigned kThreads>
__device__ float BlockMax(float x) {
  __shared__ float tops[kThreads / kLanes];
  x = WarpMax(x);
  if (threadIdx.x % kLanes == 0) tops[threadIdx.x / kLanes] = x;
  __syncthreads();
  float top = tops[0];
  for (unsigned i = 1; i < kThreads / kLanes; ++i) top = fmaxf(top, tops[i]);
  __syncthreads();
  return top;
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
