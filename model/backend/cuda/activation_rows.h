// Rows of activations as products read them: floats, and blocks of 32 rounded to 15 bits in two
// planes of bytes, x = scale (128 high + low). See ../cpu/kernels.h for why 15.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace hearth::model::cuda {

struct ActivationRows {  // a view, passed to kernels by value
  uint32_t cols = 0;
  float* floats = nullptr;  // [rows][cols]
  int8_t* high = nullptr;   // [rows][cols]
  int8_t* low = nullptr;    // [rows][cols]
  float* scales = nullptr;  // [rows][cols / 32]
  int2* sums = nullptr;     // [rows][cols / 32]: of 128 high + low, the first 16 and the others

  __host__ __device__ ActivationRows From(size_t row) const {
    const size_t units = cols / 32;
    return {cols,
            floats + row * cols,
            high + row * cols,
            low + row * cols,
            scales + row * units,
            sums + row * units};
  }
};

}  // namespace hearth::model::cuda
