// LaunchTiles: a product on tensor cores (tile_products.cuh, warpgroup_products.cuh).
#pragma once

#include "model/backend/cuda/activation_rows.h"
#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/packed_matrix.h"
#include "model/backend/cuda/tile_choice.h"

namespace hearth::model::cuda {

// out[t * stride + r] (=, or += where add) row r of the matrix times row t of x, whose halves are
// read, for n rows. The matrix is not F32.
void LaunchTiles(Device& device, const PackedMatrix& matrix, const ActivationRows& x, size_t n,
                 float* out, size_t stride, bool add);
// The same in tiles of a given size; those of warpgroups do nothing where the device has none.
void LaunchTilesOf(Device& device, Tile tile, const PackedMatrix& matrix, const ActivationRows& x,
                   size_t n, float* out, size_t stride, bool add);

}  // namespace hearth::model::cuda
