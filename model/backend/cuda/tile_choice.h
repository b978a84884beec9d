// Which kernel makes a product, and in tiles of which size. Pure functions of shapes.
//
// Below kTensorRows rows of activations a product takes them a few at a time, in whole numbers
// (products.cuh); from there on tensor cores take tiles of them, in halves: a warp at a time
// (tile_products.cuh), or on devices that can, and where their tiles fill it, four warps together
// (warpgroup_products.cuh). They round differently, so bits depend on which one it was; within each
// they do not depend on what is computed beside.
#pragma once

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

struct TileGrid {
  uint32_t tokens, rows;  // tiles
  constexpr size_t tiles() const { return size_t{tokens} * rows; }
};
constexpr TileGrid GridOf(Tile tile, size_t rows, size_t n) {
  const TileSize size = SizeOf(tile);
  return {static_cast<uint32_t>((n + size.tokens - 1) / size.tokens),
          static_cast<uint32_t>((rows + size.rows - 1) / size.rows)};
}

// The largest tile that keeps every multiprocessor busy and is not mostly empty. Those of
// warpgroups are more than twice as fast as others, so half of the multiprocessors is enough.
constexpr Tile ChooseTile(size_t rows, size_t n, unsigned multiprocessors, bool warpgroups) {
  for (const Tile tile : {Tile::kGroupsWide, Tile::kGroups, Tile::kLarge, Tile::kMedium}) {
    if (UsesWarpgroups(tile) && !warpgroups) continue;
    const TileSize size = SizeOf(tile);
    const bool filled = n > size.tokens / 2 && rows > size.rows / 2;
    const size_t wanted = tile == Tile::kGroups ? (multiprocessors + 1) / 2 : multiprocessors;
    if (filled && GridOf(tile, rows, n).tiles() >= wanted) return tile;
  }
  return Tile::kSmall;
}

}  // namespace hearth::model::cuda
