// MatrixParts: matrices held as one type with equal columns, which one launch multiplies: the rows
// of a joined weight.
#pragma once

#include <cuda_runtime.h>

#include "model/backend/cuda/packed_matrix.h"

namespace hearth::model::cuda {

constexpr unsigned kMostParts = 3;
struct MatrixParts {  // passed to kernels by value
  PackedMatrix part[kMostParts];
  uint32_t first_row[kMostParts];  // in the rows of the result
  uint32_t n;
};

// Blocks that take so many rows of one part each, through the parts in order.
constexpr size_t BlocksOf(const MatrixParts& parts, unsigned rows_each) {
  size_t blocks = 0;
  for (unsigned p = 0; p < parts.n; ++p) {
    blocks += (size_t{parts.part[p].rows} + rows_each - 1) / rows_each;
  }
  return blocks;
}

struct PartOfBlock {
  PackedMatrix matrix;
  unsigned out_row;    // of the part's first row
  unsigned first_row;  // of the block, in the part
};
// What block `block` of these takes.
__device__ inline PartOfBlock FindPart(const MatrixParts& parts, unsigned rows_each,
                                       unsigned block) {
  PartOfBlock found{parts.part[0], parts.first_row[0], 0};
#pragma unroll
  for (unsigned i = 1; i < kMostParts; ++i) {
    const unsigned blocks = (found.matrix.rows + rows_each - 1) / rows_each;
    if (i < parts.n && block >= blocks) {
      block -= blocks;
      found.matrix = parts.part[i];
      found.out_row = parts.first_row[i];
    } else {
      break;
    }
  }
  found.first_row = block * rows_each;
  return found;
}

}  // namespace hearth::model::cuda
