// LaunchGroups: a product by warpgroups (warpgroup_products.cuh), and whether a device does these
// rightly.
#pragma once

#include "model/backend/cuda/activation_rows.h"
#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/matrix_parts.h"
#include "model/backend/cuda/tile_choice.h"

namespace hearth::model::cuda {

// As LaunchTilesOf, for the tiles of warpgroups.
void LaunchGroups(Device& device, Tile tile, const MatrixParts& parts, const ActivationRows& x,
                  size_t n, float* out, size_t stride, bool add);

// Lets LaunchTiles use warpgroups where the device is of compute capability 9.0 and a small product
// in tiles of each size is that of the other tensor-core kernel; takes a millisecond. Waits for the
// stream.
void TryWarpgroups(Device& device);

}  // namespace hearth::model::cuda
