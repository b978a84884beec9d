// Which kernel makes a product, and in tiles of which size. Pure functions of shapes.
//
// Below kTensorRows rows of activations a product takes them a few at a time, in whole numbers
// (products.cuh); from there on tensor cores take tiles of them, in halves: a warp at a time
// (tile_products.cuh), or on devices that can, and where their tiles fill it, four warps together
// (warpgroup_products.cuh). They round differently, so bits depend on which one it was; within each
// they do not depend on what is computed beside.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "model/tensor_type.h"

namespace hearth::model::cuda {

constexpr size_t kTensorRows = 16;

// F32 weights are few (routers, mostly) and keep their 24 bits.
constexpr bool UsesTensorCores(TensorType held, size_t n) {
  return n >= kTensorRows && held != TensorType::kF32;
}

// The last two are those of warpgroups.
enum class Tile : uint8_t { kSmall, kMedium, kLarge, kGroups, kGroupsWide };
struct TileSize {
  uint32_t rows, tokens;  // of the matrix, and of activations
};
constexpr TileSize kTileSizes[] = {{32, 32}, {64, 64}, {128, 128}, {128, 128}, {128, 256}};
constexpr TileSize SizeOf(Tile tile) { return kTileSizes[static_cast<size_t>(tile)]; }
constexpr bool UsesWarpgroups(Tile tile) { return tile >= Tile::kGroups; }

// Tiles of one matrix.
constexpr size_t TilesOf(Tile tile, size_t rows, size_t n) {
  const TileSize size = SizeOf(tile);
  return (n + size.tokens - 1) / size.tokens * ((rows + size.rows - 1) / size.rows);
}

// The largest tile that keeps every multiprocessor busy and is not mostly empty. Those of
// warpgroups are more than twice as fast as others, so half of the multiprocessors is enough.
constexpr Tile ChooseTile(size_t rows, size_t n, unsigned multiprocessors, bool warpgroups) {
  for (const Tile tile : {Tile::kGroupsWide, Tile::kGroups, Tile::kLarge, Tile::kMedium}) {
    if (UsesWarpgroups(tile) && !warpgroups) continue;
    const TileSize size = SizeOf(tile);
    const bool filled = n > size.tokens / 2 && rows > size.rows / 2;
    const size_t wanted = tile == Tile::kGroups ? (multiprocessors + 1) / 2 : multiprocessors;
    if (filled && TilesOf(tile, rows, n) >= wanted) return tile;
  }
  return Tile::kSmall;
}

// Sequences that decode together are up to kSplitRows rows. Then a small tile takes as long as its
// steps do, which wait for memory one after the other, and narrow matrices have too few of them to
// ask for as many bytes as it can bring: 32 x 32 results of 1,024 x 4,096 weights are 32 blocks of
// 32 steps on 132 multiprocessors. Tiles of 16 rows would be twice as many of as many steps each,
// so instead the columns are split: 256 blocks of four steps. What they give is added in the order
// of the columns.
//
// The split depends on the matrix and the device, and not on how many of those rows there are.
constexpr size_t kSplitRows = 64;
constexpr uint32_t kSplitStep = 128;  // columns of a step of a small tile
struct ColumnSplit {
  uint32_t parts = 1;
  uint32_t steps = 0;  // of each, but for the last
};
// row_tiles: small tiles of the rows of the matrix, or of those that are multiplied together.
constexpr ColumnSplit SplitColumns(size_t row_tiles, size_t cols, size_t n,
                                   unsigned multiprocessors) {
  constexpr size_t kBlocksEach = 2, kLeastSteps = 4, kMostParts = 16;
  const auto steps = static_cast<uint32_t>((cols + kSplitStep - 1) / kSplitStep);
  if (n > kSplitRows) return {1, steps};
  const size_t wanted = std::min(kBlocksEach * multiprocessors / row_tiles, kMostParts);
  const auto parts = static_cast<uint32_t>(
      std::clamp<size_t>(steps / kLeastSteps, 1, std::max<size_t>(wanted, 1)));
  const uint32_t each = (steps + parts - 1) / parts;
  return {(steps + each - 1) / each, each};  // none is empty
}

}  // namespace hearth::model::cuda
