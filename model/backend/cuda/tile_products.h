// LaunchTiles: a product on tensor cores (tile_products.cuh, warpgroup_products.cuh).
#pragma once

#include "model/backend/cuda/activation_rows.h"
#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/matrix_parts.h"
#include "model/backend/cuda/tile_choice.h"

namespace hearth::model::cuda {

// Memory for products whose columns are split; one product of the stream uses it at a time.
struct SplitMemory {
  DeviceArray<float> sums;
  DeviceArray<unsigned> arrived;
};

// out[t * stride + r] (=, or += where add) row r of the parts times row t of x, whose halves are
// read, for n rows. The parts are not F32.
void LaunchTiles(Device& device, SplitMemory& memory, const MatrixParts& parts,
                 const ActivationRows& x, size_t n, float* out, size_t stride, bool add);
// The same in tiles of a given size, the columns split for small ones (`split`, not read for
// others). Tiles of warpgroups do nothing where the device has none.
void LaunchTilesOf(Device& device, Tile tile, const ColumnSplit& split, SplitMemory& memory,
                   const MatrixParts& parts, const ActivationRows& x, size_t n, float* out,
                   size_t stride, bool add);

}  // namespace hearth::model::cuda
