// Tensor cores, and what feeds them: wrapped instructions of compute capability 8.0. PTX ISA,
// "Warp-level matrix instructions" and "Asynchronous copy". On the host the tests' header does the
// same, lane by lane.
//
// A warp holds matrices in pieces. With g = lane / 4 and t = lane % 4, and two halves in a word,
// the one of the lower index below:
//   A, 16 x 16 halves   word 0: row g,     columns 2t, 2t + 1    word 2: the same, columns 8 higher
//                       word 1: row g + 8, columns 2t, 2t + 1    word 3: the same, columns 8 higher
//   B, 16 x 8 halves    word 0: rows 2t, 2t + 1 of column g      word 1: rows 8 higher
//   C, 16 x 8 floats    0, 1: row g, columns 2t, 2t + 1          2, 3: row g + 8
// All lanes of a warp call these together, but for CopyAsync and WaitForCopies.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#ifdef __CUDACC__

namespace hearth::model::cuda {

// C += A B
__device__ inline void MultiplyAdd(const unsigned* a, const unsigned* b, float* c) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Four matrices of 8 x 8 halves from shared memory: lane i names row i % 8 of matrix i / 8, 16
// bytes aligned to 16. Word q is of matrix q: row g, columns 2t and 2t + 1; of its transpose with
// LoadMatricesTransposed.
__device__ inline void LoadMatrices(const void* row, unsigned* words) {
  const auto at = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(at)
               : "memory");
}
__device__ inline void LoadMatricesTransposed(const void* row, unsigned* words) {
  const auto at = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(at)
               : "memory");
}

// 16 bytes of global memory to shared memory, both aligned to 16; zeros where not `wanted` (`from`
// is still an address of global memory, but is not read). They are there for the thread itself
// after WaitForCopies, for others after a barrier behind that.
__device__ inline void CopyAsync(void* to, const void* from, bool wanted) {
  const auto at = static_cast<unsigned>(__cvta_generic_to_shared(to));
  const int bytes = wanted ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(at), "l"(__cvta_generic_to_global(from)), "r"(bytes)
               : "memory");
}
// Until all copies that the thread has asked for are there.
__device__ inline void WaitForCopies() { asm volatile("cp.async.wait_all;" : : : "memory"); }

// Both to the nearest half, `low` below.
__device__ inline unsigned HalfPair(float low, float high) {
  unsigned pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

}  // namespace hearth::model::cuda

#else
#include <cuda_tensor_core.h>
#endif
