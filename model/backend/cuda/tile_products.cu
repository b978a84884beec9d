#include "model/backend/cuda/tile_choice.h"
#include "model/backend/cuda/tile_products.cuh"
#include "model/backend/cuda/tile_products.h"
#include "model/backend/cuda/visit_types.h"
#include "model/backend/cuda/warpgroup_products.h"

namespace hearth::model::cuda {

void LaunchTiles(Device& device, const PackedMatrix& matrix, const ActivationRows& x, size_t n,
                 float* out, size_t stride, bool add) {
  const auto multiprocessors = static_cast<unsigned>(device.properties().multiProcessorCount);
  const Tile tile =
      ChooseTile(matrix.rows, n, multiprocessors, device.warpgroups() == Device::Warpgroups::kUsed);
  LaunchTilesOf(device, tile, matrix, x, n, out, stride, add);
}

void LaunchTilesOf(Device& device, Tile tile, const PackedMatrix& matrix, const ActivationRows& x,
                   size_t n, float* out, size_t stride, bool add) {
  if (UsesWarpgroups(tile)) return LaunchGroups(device, tile, matrix, x, n, out, stride, add);
  const TileGrid grid = GridOf(tile, matrix.rows, n);
  const auto launch = [&](auto kernel) {
    Launch(device, kernel, dim3(grid.tokens, grid.rows), dim3(kTileThreads), matrix, x,
           static_cast<unsigned>(n), out, stride, add);
  };
  VisitHeld(matrix.type, [&]<TensorType kType>() {
    if constexpr (kType != TensorType::kF32) {
      switch (tile) {
        case Tile::kLarge:
          return launch(&MultiplyTiles<kType, Tile::kLarge>);
        case Tile::kMedium:
          return launch(&MultiplyTiles<kType, Tile::kMedium>);
        default:
          return launch(&MultiplyTiles<kType, Tile::kSmall>);
      }
    }
  });
}

}  // namespace hearth::model::cuda
