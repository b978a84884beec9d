// Which kernel makes a product, and in tiles of which size. Pure functions of shapes.
//
// Below kTensorRows rows of activations a product takes them a few at a time, in whole numbers
// (products.cuh); from there on tensor cores take tiles of them, in halves (tile_products.cuh). The
// two round differently, so bits depend on which one it was; within each they do not depend on what
// is computed beside.
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

enum class Tile : uint8_t { kSmall, kMedium, kLarge };
constexpr uint32_t kTileWidth[] = {32, 64, 128};  // rows of the matrix, and of activations
constexpr uint32_t WidthOf(Tile tile) { return kTileWidth[static_cast<size_t>(tile)]; }

struct TileGrid {
  uint32_t tokens, rows;  // tiles
};
constexpr TileGrid GridOf(Tile tile, size_t rows, size_t n) {
  const size_t width = WidthOf(tile);
  return {static_cast<uint32_t>((n + width - 1) / width),
          static_cast<uint32_t>((rows + width - 1) / width)};
}

// The largest tile that keeps every multiprocessor busy and is not mostly empty.
constexpr Tile ChooseTile(size_t rows, size_t n, unsigned multiprocessors) {
  for (const Tile tile : {Tile::kLarge, Tile::kMedium}) {
    const TileGrid grid = GridOf(tile, rows, n);
    const bool filled = n > WidthOf(tile) / 2 && rows > WidthOf(tile) / 2;
    if (filled && size_t{grid.tokens} * grid.rows >= multiprocessors) return tile;
  }
  return Tile::kSmall;
}

}  // namespace hearth::model::cuda
