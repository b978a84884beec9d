#include "model/backend/cuda/tile_choice.h"

#include <catch2/catch.hpp>

namespace hearth::model::cuda {
namespace {

TEST_CASE("tensor cores take many rows, and none of F32") {
  CHECK_FALSE(UsesTensorCores(TensorType::kQ4_K, 1));
  CHECK_FALSE(UsesTensorCores(TensorType::kQ4_K, kTensorRows - 1));
  CHECK(UsesTensorCores(TensorType::kQ4_K, kTensorRows));
  CHECK(UsesTensorCores(TensorType::kBF16, 4096));
  CHECK_FALSE(UsesTensorCores(TensorType::kF32, 4096));
}

TEST_CASE("tiles are as large as leaves no multiprocessor idle") {
  constexpr unsigned kHopper = 132;
  const struct {
    size_t rows, n;
    Tile tile;
  } cases[] = {
      {24576, 4096, Tile::kLarge},  // a prompt
      {4096, 4096, Tile::kLarge},   // 32 x 32 tiles
      {4096, 512, Tile::kMedium},   // 32 x 4 large ones are 128
      {151936, 64, Tile::kMedium},  // 64 sequences: half of a large tile would be empty
      {24576, 64, Tile::kMedium},   // 384 tiles
      {4096, 64, Tile::kSmall},     // 64 medium ones
      {24576, 16, Tile::kSmall},    // medium ones would be mostly empty
      {4096, 16, Tile::kSmall},    {24576, 65, Tile::kLarge}, {1, 1 << 20, Tile::kSmall},
  };
  for (const auto& c : cases) {
    CAPTURE(c.rows, c.n);
    CHECK(ChooseTile(c.rows, c.n, kHopper, false) == c.tile);
  }
}

TEST_CASE("warpgroups take what fills half of the device, in wide tiles where they fill all") {
  constexpr unsigned kHopper = 132;
  const struct {
    size_t rows, n;
    Tile tile;
  } cases[] = {
      {24576, 4096, Tile::kGroupsWide}, {4096, 4096, Tile::kGroupsWide},  // 16 x 32 tiles
      {4096, 1024, Tile::kGroups},                                    // 4 x 32 wide ones are 128
      {4096, 512, Tile::kGroups},       {4096, 256, Tile::kMedium},   // 64 tiles of warpgroups
      {24576, 64, Tile::kMedium},                                     // half of them would be empty
      {24576, 65, Tile::kGroups},       {1024, 2048, Tile::kGroups},  // 128 tiles
      {1, 1 << 20, Tile::kSmall},
  };
  for (const auto& c : cases) {
    CAPTURE(c.rows, c.n);
    CHECK(ChooseTile(c.rows, c.n, kHopper, true) == c.tile);
  }
}

TEST_CASE("a grid covers the result") {
  const TileGrid grid = GridOf(Tile::kLarge, 129, 128);
  CHECK(grid.rows == 2);
  CHECK(grid.tokens == 1);
  CHECK(GridOf(Tile::kSmall, 151936, 16).rows == 4748);
}

}  // namespace
}  // namespace hearth::model::cuda
