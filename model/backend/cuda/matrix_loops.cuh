// Loops of matrix instructions and nothing else: the rate that no product can pass. Each adds the
// operations that one of its blocks does to nothing and leaves them in `done`; a build without code
// for the device leaves 0.
//
// Instructions as in the PTX ISA: mma.sync m16n8k16 (8.0 and later), wgmma m64n128k16 (9.0a).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/warpgroup.cuh"

namespace hearth::model::cuda {

constexpr unsigned kMatrixLoopThreads = 256;
constexpr unsigned kMatrixLoopTurns = 2048;

// A pair that differs from lane to lane: units that multiply zeros draw less power, and run faster
// than in earnest.
__device__ inline unsigned SomePair(unsigned seed) {
  const unsigned mixed = (seed + 1) * 2654435761u;
  return (mixed & 0x807f807fu) | 0x3f003f00u;  // of either sign; BF16: 0.5 to 1; halves: 1.75 to 2
}

[[maybe_unused]] static __global__ void __launch_bounds__(kMatrixLoopThreads)
    MmaLoop(unsigned long long* done) {
  BeginKernel();
  unsigned long long operations = 0;
  float total = 0;  // looked at, or the compiler would leave the loop out
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  constexpr unsigned kSums = 8;  // chains that do not wait for each other
  float sums[kSums][4] = {};
  const unsigned a[4] = {SomePair(threadIdx.x), SomePair(threadIdx.x + 256),
                         SomePair(threadIdx.x + 512), SomePair(threadIdx.x + 768)};
  const unsigned b[2] = {SomePair(threadIdx.x + 1024), SomePair(threadIdx.x + 1280)};
  for (unsigned turn = 0; turn < kMatrixLoopTurns; ++turn) {
#pragma unroll
    for (unsigned i = 0; i < kSums; ++i) {
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
          "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
          : "+f"(sums[i][0]), "+f"(sums[i][1]), "+f"(sums[i][2]), "+f"(sums[i][3])
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    }
  }
  for (const auto& four : sums) total += four[0] + four[1] + four[2] + four[3];
  operations = 2ull * 16 * 8 * 16 * kSums * kMatrixLoopTurns * (kMatrixLoopThreads / 32);
#endif
  if (total == 1e38f || (blockIdx.x == 0 && threadIdx.x == 0)) *done = operations;
}

[[maybe_unused]] static __global__ void __launch_bounds__(kMatrixLoopThreads)
    WgmmaLoop(unsigned long long* done) {
  BeginKernel();
  unsigned long long operations = 0;
  float total = 0;  // looked at, or the compiler would leave the loop out
#if defined(__CUDACC__) && defined(HEARTH_WARPGROUPS)
  constexpr unsigned kEach = 8;  // instructions that are waited for together
  __shared__ alignas(1024) unsigned a[64 * 16 / 2];
  __shared__ alignas(1024) unsigned b[128 * 16 / 2];
  for (unsigned i = threadIdx.x; i < 64 * 16 / 2; i += blockDim.x) a[i] = SomePair(i);
  for (unsigned i = threadIdx.x; i < 128 * 16 / 2; i += blockDim.x) b[i] = SomePair(i + 4096);
  FenceSharedWrites();
  __syncthreads();
  // Matrices of 8 rows of 16 bytes lie whole, 128 bytes apart along k and 256 along rows.
  const auto descriptor = [](const void* shared) {
    return MatrixDescriptor(SharedAddress(shared), 128, 256, Swizzle::kNone);
  };
  const uint64_t at_a = descriptor(a);
  const uint64_t at_b = descriptor(b);
  float d[64] = {};
  for (unsigned turn = 0; turn < kMatrixLoopTurns / kEach; ++turn) {
    BeginProducts(d);
#pragma unroll
    for (unsigned i = 0; i < kEach; ++i) MultiplyAddAsync(at_a, at_b, d);
    CommitProducts();
    FinishProducts(d);
  }
  for (const float sum : d) total += sum;
  operations = 2ull * 64 * 128 * 16 * kMatrixLoopTurns * (kMatrixLoopThreads / 128);
#endif
  if (total == 1e38f || (blockIdx.x == 0 && threadIdx.x == 0)) *done = operations;
}

}  // namespace hearth::model::cuda
