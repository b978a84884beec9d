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

TEST_CASE("tiles cover the result") {
  CHECK(TilesOf(Tile::kLarge, 129, 128) == 2);
  CHECK(TilesOf(Tile::kGroupsWide, 129, 257) == 4);
  CHECK(TilesOf(Tile::kSmall, 151936, 16) == 4748);
}

TEST_CASE("the columns of narrow matrices are split, alike for all numbers of rows") {
  constexpr unsigned kHopper = 132;
  const struct {
    size_t rows, cols;
    uint32_t parts, steps;
  } cases[] = {
      {1024, 4096, 8, 4},                           // keys alone: 256 blocks
      {1024, 3072, 6, 4},                           // not shorter than four steps
      {1024, 1024, 2, 4},     {4096, 4096, 2, 16},  // 256 blocks
      {4096, 12288, 2, 48},   {2560, 9728, 3, 26},  // 78 steps
      {1024, 1152, 2, 5},                           // nine steps
      {64, 1 << 20, 16, 512}, {6144, 4096, 1, 32},  // 192 blocks
      {24576, 4096, 1, 32},   {1024, 96, 1, 1},
  };
  for (const auto& c : cases) {
    CAPTURE(c.rows, c.cols);
    for (const size_t n : {16, 33, 64}) {
      const ColumnSplit split = SplitColumns((c.rows + 31) / 32, c.cols, n, kHopper);
      CHECK(split.parts == c.parts);
      CHECK(split.steps == c.steps);
      if (split.parts > 1) CHECK(ChooseTile(c.rows, n, kHopper, true) == Tile::kSmall);
    }
    CHECK(SplitColumns((c.rows + 31) / 32, c.cols, 65, kHopper).parts == 1);
  }
  for (size_t tiles = 1; tiles < 300; ++tiles) {
    for (size_t steps = 1; steps < 200; ++steps) {
      const ColumnSplit split = SplitColumns(tiles, steps * kSplitStep, 16, kHopper);
      REQUIRE(size_t{split.parts} * split.steps >= steps);     // all of them
      REQUIRE(size_t{split.parts - 1} * split.steps < steps);  // none is empty
      REQUIRE((split.parts == 1 || tiles * split.parts <= 2 * kHopper));
    }
  }
}

}  // namespace
}  // namespace hearth::model::cuda
