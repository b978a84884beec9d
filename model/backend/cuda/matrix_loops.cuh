// Loops of matrix instructions and nothing else: the rate that no product can pass. Each adds the
// operations that one of its blocks does to nothing and leaves them in `done`; a build without code
// for the device leaves 0.
//
// Instructions as in the PTX ISA: mma.sync m16n8k16 (8.0 and later), wgmma m64n128k16 (9.0a).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "model/backend/cuda/dependent_launch.cuh"

namespace hearth::model::cuda {

constexpr unsigned kMatrixLoopThreads = 256;
constexpr unsigned kMatrixLoopTurns = 2048;

// A BF16 pair that differs from lane to lane: units that multiply zeros draw less power, and run
// faster than in earnest.
__device__ inline unsigned SomePair(unsigned seed) {
  const unsigned mixed = (seed + 1) * 2654435761u;
  return (mixed & 0x807f807fu) | 0x3f003f00u;  // 0.5 to 1, of either sign
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
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  constexpr unsigned kEach = 8;  // instructions that are waited for together
  __shared__ alignas(1024) unsigned a[64 * 16 / 2];
  __shared__ alignas(1024) unsigned b[128 * 16 / 2];
  for (unsigned i = threadIdx.x; i < 64 * 16 / 2; i += blockDim.x) a[i] = SomePair(i);
  for (unsigned i = threadIdx.x; i < 128 * 16 / 2; i += blockDim.x) b[i] = SomePair(i + 4096);
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();
  // Matrices of 8 rows of 16 bytes lie whole, 128 bytes apart along k and 256 along rows; no
  // swizzle.
  const auto descriptor = [](const void* shared) {
    const uint64_t address = __cvta_generic_to_shared(shared);
    return (address & 0x3ffff) >> 4 | uint64_t{128 >> 4} << 16 | uint64_t{256 >> 4} << 32;
  };
  const uint64_t at_a = descriptor(a);
  const uint64_t at_b = descriptor(b);
  float d[64] = {};
  for (unsigned turn = 0; turn < kMatrixLoopTurns / kEach; ++turn) {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (unsigned i = 0; i < kEach; ++i) {
#define HEARTH_SUM8(n)                                                                        \
  "+f"(d[n]), "+f"(d[n + 1]), "+f"(d[n + 2]), "+f"(d[n + 3]), "+f"(d[n + 4]), "+f"(d[n + 5]), \
      "+f"(d[n + 6]), "+f"(d[n + 7])
      asm volatile(
          "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
          "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
          "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
          "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
          "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
          "%64, %65, 1, 1, 1, 0, 0;"
          : HEARTH_SUM8(0), HEARTH_SUM8(8), HEARTH_SUM8(16), HEARTH_SUM8(24), HEARTH_SUM8(32),
            HEARTH_SUM8(40), HEARTH_SUM8(48), HEARTH_SUM8(56)
          : "l"(at_a), "l"(at_b));
#undef HEARTH_SUM8
    }
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  }
  for (const float sum : d) total += sum;
  operations = 2ull * 64 * 128 * 16 * kMatrixLoopTurns * (kMatrixLoopThreads / 128);
#endif
  if (total == 1e38f || (blockIdx.x == 0 && threadIdx.x == 0)) *done = operations;
}

}  // namespace hearth::model::cuda
