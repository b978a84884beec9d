// The instructions of model/backend/cuda/warpgroup.cuh on the host: each lane makes its own sums
// from the bytes of shared memory that the descriptors name. Sums run in the order of k.
#pragma once

#include "model/quant.h"
#include "tests/cuda/host/cuda_runtime.h"
#include "tests/cuda/host/products_in_flight.h"

#define HEARTH_WARPGROUPS

namespace hearth::model::cuda {

inline uint8_t* DynamicShared() { return cuda_on_host::DynamicShared(); }
inline uint32_t SharedAddress(const void* shared) { return cuda_on_host::SharedAddress(shared); }
inline void FenceSharedWrites() { cuda_on_host::SetUnfenced(false); }
template <size_t kSums>
void BeginProducts(float (&)[kSums]) {
  cuda_on_host::Products().begun = true;
}
inline void CommitProducts() { cuda_on_host::Products().Commit(); }
template <int kLeft>
void WaitForProducts() {
  cuda_on_host::Products().Wait(kLeft);
}
template <size_t kSums>
void FinishProducts(float (&)[kSums]) {
  WaitForProducts<0>();
}

// Halves k = 0 .. 15 of row `row` of a K-major matrix, as the PTX ISA lays them out.
inline void ReadMatrixRow(uint64_t descriptor, uint32_t row, float* halves) {
  const auto field = [&](unsigned bit) {
    return static_cast<uint32_t>(descriptor >> bit & 0x3fff) * 16;
  };
  const uint32_t start = field(0);
  const uint32_t leading = field(16);
  const uint32_t stride = field(32);
  const auto swizzle = static_cast<uint32_t>(descriptor >> 62);
  if (swizzle > 1 || (descriptor >> 49 & 7) != 0) {
    cuda_on_host::complain("a swizzle, or a base offset, that is not known here");
  }
  const bool swizzled = swizzle == static_cast<uint32_t>(Swizzle::k128);
  for (uint32_t k = 0; k < 16; ++k) {
    uint32_t address = start + row / 8 * stride + row % 8 * (swizzled ? 128 : 16);
    address += swizzled ? k * 2 : k / 8 * leading + k % 8 * 2;
    if (swizzled) address ^= address >> 3 & 0x70;  // bits 4 to 6 by bits 7 to 9
    uint16_t half;
    std::memcpy(&half, cuda_on_host::SharedAt(address), sizeof(half));
    halves[k] = HalfToFloat(half);
  }
}

template <size_t kSums>
void MultiplyAddAsync(uint64_t a, uint64_t b, float (&d)[kSums]) {
  const unsigned lane = cuda_on_host::Lane();
  const unsigned thread = threadIdx.x;
  cuda_on_host::Products().Ask(
      d, kSums, lane / 2 % 2 == 0, [a, b, lane, thread](std::vector<float>& sums) {
        float rows[2][16];
        for (unsigned i = 0; i < 2; ++i) {
          ReadMatrixRow(a, thread / 32 % 4 * 16 + lane / 4 + 8 * i, rows[i]);
        }
        for (unsigned j = 0; j < kSums / 4; ++j) {
          for (unsigned i = 0; i < 2; ++i) {
            float column[16];
            ReadMatrixRow(b, 8 * j + lane % 4 * 2 + i, column);
            sums[4 * j + i] += cuda_on_host::product_fault;
            for (unsigned k = 0; k < 16; ++k) {
              sums[4 * j + i] += rows[0][k] * column[k];
              sums[4 * j + 2 + i] += rows[1][k] * column[k];
            }
          }
        }
      });
}

}  // namespace hearth::model::cuda
