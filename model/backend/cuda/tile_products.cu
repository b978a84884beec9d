#include "model/backend/cuda/tile_products.cuh"
#include "model/backend/cuda/tile_products.h"
#include "model/backend/cuda/visit_types.h"
#include "model/backend/cuda/warpgroup_products.h"

namespace hearth::model::cuda {

namespace {

// Memory for the sums of so many tiles of `each` floats.
SplitSums Reserve(Device& device, SplitMemory& memory, size_t tiles, const ColumnSplit& split,
                  size_t each) {
  memory.sums.Reserve(device, tiles * split.parts * each);
  // What has grown is zeroed even where the pass lacks memory: later ones find it large enough.
  const size_t before = memory.arrived.size();
  memory.arrived.Reserve(device, tiles);
  if (memory.arrived.size() > before) {
    device.Note(cudaMemsetAsync(memory.arrived.data(), 0, memory.arrived.size() * sizeof(unsigned),
                                device.stream()));
  }
  return {memory.sums.data(), memory.arrived.data(), split.steps};
}

}  // namespace

void LaunchTiles(Device& device, SplitMemory& memory, const MatrixParts& parts,
                 const ActivationRows& x, size_t n, float* out, size_t stride, bool add) {
  const auto multiprocessors = static_cast<unsigned>(device.properties().multiProcessorCount);
  const size_t rows = BlocksOf(parts, 1);
  const Tile tile =
      ChooseTile(rows, n, multiprocessors, device.warpgroups() == Device::Warpgroups::kUsed);
  const ColumnSplit split = SplitColumns(BlocksOf(parts, SizeOf(Tile::kSmall).rows),
                                         parts.part[0].cols, n, multiprocessors);
  LaunchTilesOf(device, tile, split, memory, parts, x, n, out, stride, add);
}

void LaunchTilesOf(Device& device, Tile tile, const ColumnSplit& split, SplitMemory& memory,
                   const MatrixParts& parts, const ActivationRows& x, size_t n, float* out,
                   size_t stride, bool add) {
  if (UsesWarpgroups(tile)) return LaunchGroups(device, tile, parts, x, n, out, stride, add);
  const TileSize size = SizeOf(tile);
  dim3 grid(static_cast<unsigned>((n + size.tokens - 1) / size.tokens),
            static_cast<unsigned>(BlocksOf(parts, size.rows)));
  SplitSums sums{nullptr, nullptr, parts.part[0].cols};  // more than the steps that there are
  if (tile == Tile::kSmall && split.parts > 1) {
    grid.z = split.parts;
    sums = Reserve(device, memory, size_t{grid.x} * grid.y, split,
                   TileShape<Tile::kSmall>::kSums * kTileThreads);
  }
  const auto launch = [&](auto kernel) {
    Launch(device, kernel, grid, dim3(kTileThreads), parts, x, static_cast<unsigned>(n), out,
           stride, add, sums);
  };
  VisitHeld(parts.part[0].type, [&]<TensorType kType>() {
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
