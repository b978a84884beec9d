// Matrix instructions of four warps together, which read both factors from shared memory: compute
// capability 9.0 alone (sm_90a). PTX ISA, "Asynchronous warpgroup level matrix instructions". On
// the host the tests' header does the same, lane by lane.
//
// Factors are K-major: 16 halves of a row of A, or of a column of B, follow each other. A
// descriptor says where eight of these rows lie and how far the next eight are:
//   unswizzled  eight rows of 16 bytes follow each other; `leading` bytes on, the next 16 bytes of
//               each; `stride` bytes on, the next eight rows
//   k128        rows of 128 bytes follow each other, eight of them aligned to 1024 bytes; `stride`
//               bytes on, the next eight; the 16 bytes at place p of row r lie at place p ^ r % 8
//               (bits 4 to 6 of an address are those of the content XOR bits 7 to 9). The next 16
//               halves of the same rows begin 32 bytes on.
//
// With w = warp % 4, g = lane / 4 and t = lane % 4, element 4j + e of a lane's sums is of row
// 16w + g + e / 2 * 8, column 8j + 2t + e % 2.
//
// All 128 threads of a warpgroup call these together, but for FenceSharedWrites.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace hearth::model::cuda {

enum class Swizzle : uint8_t { kNone = 0, k128 = 1 };

// `address` is one of shared memory, aligned to 16.
__host__ __device__ constexpr uint64_t MatrixDescriptor(uint32_t address, uint32_t leading,
                                                        uint32_t stride, Swizzle swizzle) {
  return uint64_t{(address & 0x3ffffu) >> 4} | uint64_t{leading >> 4} << 16 |
         uint64_t{stride >> 4} << 32 | uint64_t{static_cast<uint8_t>(swizzle)} << 62;
}

}  // namespace hearth::model::cuda

#ifdef __CUDACC__

// Kernels that use these have no code for other devices.
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define HEARTH_WARPGROUPS
#endif

namespace hearth::model::cuda {

// The launch's dynamic shared memory; nothing is at its address 0 but that.
__device__ inline uint8_t* DynamicShared() {
  extern __shared__ __align__(1024) uint8_t dynamic_shared[];
  return dynamic_shared;
}
__device__ inline uint32_t SharedAddress(const void* shared) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
}

#ifdef HEARTH_WARPGROUPS

// What this thread wrote to shared memory, or copied there and waited for, is seen by matrix
// instructions behind the next barrier.
__device__ inline void FenceSharedWrites() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
// The compiler moves nothing that is done to the sums across this; it knows nothing of when
// instructions end.
template <unsigned kSums>
__device__ void HoldSums(float (&d)[kSums]) {
#pragma unroll
  for (unsigned i = 0; i < kSums; ++i) asm volatile("" : "+f"(d[i])::"memory");
}
// Before the first instruction of a row of them: what the thread did to its sums comes first.
template <unsigned kSums>
__device__ void BeginProducts(float (&d)[kSums]) {
  HoldSums(d);
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
// Ends a row of them, a group.
__device__ inline void CommitProducts() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
// Until all groups but the last kLeft are done: they have read shared memory.
template <int kLeft>
__device__ void WaitForProducts() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" : : "n"(kLeft) : "memory");
}
// Until all are done and the sums are there, which may not be touched before.
template <unsigned kSums>
__device__ void FinishProducts(float (&d)[kSums]) {
  WaitForProducts<0>();
  HoldSums(d);
}

#define HEARTH_SUMS8(n)                                                                       \
  "+f"(d[n]), "+f"(d[n + 1]), "+f"(d[n + 2]), "+f"(d[n + 3]), "+f"(d[n + 4]), "+f"(d[n + 5]), \
      "+f"(d[n + 6]), "+f"(d[n + 7])
#define HEARTH_SUMS64(n)                                                            \
  HEARTH_SUMS8(n), HEARTH_SUMS8(n + 8), HEARTH_SUMS8(n + 16), HEARTH_SUMS8(n + 24), \
      HEARTH_SUMS8(n + 32), HEARTH_SUMS8(n + 40), HEARTH_SUMS8(n + 48), HEARTH_SUMS8(n + 56)

// d += A B of 64 x 16 and 16 x 128 halves, some time before FinishProducts returns.
__device__ inline void MultiplyAddAsync(uint64_t a, uint64_t b, float (&d)[64]) {
  asm volatile(
      "{\n"
      ".reg .pred adds;\n"
      "setp.ne.b32 adds, 1, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "%64, %65, adds, 1, 1, 0, 0;\n"
      "}"
      : HEARTH_SUMS64(0)
      : "l"(a), "l"(b));
}
// The same of 16 x 256.
__device__ inline void MultiplyAddAsync(uint64_t a, uint64_t b, float (&d)[128]) {
  asm volatile(
      "{\n"
      ".reg .pred adds;\n"
      "setp.ne.b32 adds, 1, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "
      "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "
      "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "
      "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "
      "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, "
      "%127}, "
      "%128, %129, adds, 1, 1, 0, 0;\n"
      "}"
      : HEARTH_SUMS64(0), HEARTH_SUMS64(64)
      : "l"(a), "l"(b));
}
#undef HEARTH_SUMS64
#undef HEARTH_SUMS8

#endif  // HEARTH_WARPGROUPS

}  // namespace hearth::model::cuda

#else
#include <cuda_warpgroup.h>
#endif
