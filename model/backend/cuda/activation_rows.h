// Rows of activations as products read them: floats; blocks of 32 rounded to 15 bits in two planes
// of bytes, x = scale (128 high + low) (see ../cpu/kernels.h for why 15); and for tensor cores
// halves, x = row scale * half. The row's scale is the power of two that brings its largest value
// to 2^14 up to 2^15: halves keep 11 bits of what is at least 2^-28 of it.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace hearth::model::cuda {

// What a row is wanted as beside floats.
struct RowForms {
  bool rounded = false;
  bool halves = false;
};

struct ActivationRows {  // a view, passed to kernels by value
  uint32_t cols = 0;
  float* floats = nullptr;      // [rows][cols]
  int8_t* high = nullptr;       // [rows][cols]
  int8_t* low = nullptr;        // [rows][cols]
  float* scales = nullptr;      // [rows][cols / 32]
  int2* sums = nullptr;         // [rows][cols / 32]: of 128 high + low, the first 16 and the others
  uint16_t* halves = nullptr;   // [rows][cols]
  float* row_scales = nullptr;  // [rows]

  __host__ __device__ ActivationRows From(size_t row) const {
    const size_t units = cols / 32;
    return {cols,
            floats + row * cols,
            high + row * cols,
            low + row * cols,
            scales + row * units,
            sums + row * units,
            halves + row * cols,
            row_scales + row};
  }
};

}  // namespace hearth::model::cuda
