// Products on tensor cores with every type of weights, run on the host, beside double precision.
#include "model/backend/cuda/tile_products.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "tests/cuda/on_device.h"
#include "tests/cuda/random_products.h"

namespace hearth::model::cuda {
namespace {

constexpr Tile kTiles[] = {Tile::kSmall, Tile::kMedium, Tile::kLarge, Tile::kGroups,
                           Tile::kGroupsWide};

bool HasWarpgroups(const Device& device) {
  return device.properties().major == 9 && device.properties().minor == 0;
}

std::vector<float> RandomRows(size_t n, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> x(n);
  for (float& v : x) v = normal(random);
  return x;
}

// The tolerance: a weight and an activation each lose up to 2^-12 of themselves, so a product of
// `cols` random terms is off by about sqrt(cols) of them; eight times that are allowed.
void CheckProducts(TensorType type, const std::vector<std::byte>& file, unsigned rows,
                   unsigned cols, unsigned n) {
  auto device = Device::Open();
  REQUIRE(device.ok());
  std::mt19937 random(n);
  const std::vector<float> x = RandomRows(n * cols, random);
  const Weights weights(*device, type, file, rows, cols);
  const Inputs inputs(*device, x, cols);
  SplitMemory memory;
  std::vector<std::vector<float>> results;
  for (const Tile tile : kTiles) {
    if (UsesWarpgroups(tile) && !HasWarpgroups(*device)) continue;
    CAPTURE(GetTensorType(type).name, rows, cols, n, SizeOf(tile).tokens);
    for (const bool add : {false, true}) {
      std::vector<float> out(n * (rows + 1), 1.5f);  // a row longer than the matrix is high
      LaunchTilesOf(*device, tile, {}, memory, {{weights.view}, {0}, 1}, inputs.view, n, out.data(),
                    rows + 1, add);
      for (size_t t = 0; t < n; ++t) {
        REQUIRE(out[t * (rows + 1) + rows] == 1.5f);
        for (size_t r = 0; r < rows; ++r) {
          double sum = add ? 1.5 : 0.0;
          double squares = 0;
          for (size_t c = 0; c < cols; ++c) {
            const double term = static_cast<double>(weights.floats[r * cols + c]) * x[t * cols + c];
            sum += term;
            squares += term * term;
          }
          CAPTURE(t, r, sum, out[t * (rows + 1) + r]);
          REQUIRE(std::fabs(out[t * (rows + 1) + r] - sum) <
                  8 * std::sqrt(2 * squares) / 4096 + 1e-5);
        }
      }
      if (!add) results.push_back(std::move(out));
    }
  }
  // The tile's size is not seen in the result.
  CHECK(results[1] == results[0]);
  CHECK(results[2] == results[0]);
  if (results.size() == 3) return;
  CHECK(results[4] == results[3]);
  // Both kinds of instructions add in the order of the columns on the host.
  if (!test::kOnDevice) CHECK(results[3] == results[0]);
}

TEST_CASE("products on tensor cores are those of double precision within the rounding of halves") {
  std::mt19937 random(11);
  for (const Kind& kind : kKinds) {
    CheckProducts(kind.type, RandomFile(kind, 37 * 512, random), 37, 512, 19);
  }
  for (const TensorType type : {TensorType::kF16, TensorType::kBF16}) {
    CheckProducts(type, RandomFloats(type, 37 * 512, random), 37, 512, 19);
  }
}

TEST_CASE("matrices and rows that end inside a tile, or fill several") {
  std::mt19937 random(12);
  const Kind& kind = kKinds[0];
  CheckProducts(kind.type, RandomFile(kind, 1 * 32, random), 1, 32, 1);
  CheckProducts(kind.type, RandomFile(kind, 130 * 96, random), 130, 96, 140);
  CheckProducts(kind.type, RandomFile(kind, 65 * 288, random), 65, 288, 64);
}

TEST_CASE("a row's bits do not depend on its neighbours") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  constexpr unsigned kRows = 40;
  constexpr unsigned kCols = 320;
  std::mt19937 random(13);
  const std::vector<float> x = RandomRows(70 * kCols, random);
  const Kind& kind = kKinds[1];
  const Weights weights(*device, kind.type, RandomFile(kind, kRows * kCols, random), kRows, kCols);
  const Inputs inputs(*device, x, kCols);
  std::vector<float> whole(70 * kRows);
  SplitMemory memory;
  const MatrixParts parts{{weights.view}, {0}, 1};
  LaunchTiles(*device, memory, parts, inputs.view, 70, whole.data(), kRows, false);
  std::vector<float> part(20 * kRows);
  LaunchTiles(*device, memory, parts, inputs.view.From(45), 20, part.data(), kRows, false);
  CHECK(std::equal(part.begin(), part.end(), whole.begin() + 45 * kRows));
}

TEST_CASE("split columns give the products within rounding, whatever is computed beside") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  constexpr unsigned kRows = 40;
  constexpr unsigned kCols = 1184;  // ten steps, the last of 32 columns
  constexpr unsigned kTokens = 50;
  std::mt19937 random(15);
  const std::vector<float> x = RandomRows(kTokens * kCols, random);
  const Weights weights(*device, TensorType::kF16,
                        RandomFloats(TensorType::kF16, kRows * kCols, random), kRows, kCols);
  const Inputs inputs(*device, x, kCols);
  const MatrixParts parts{{weights.view}, {0}, 1};
  SplitMemory memory;  // the same for all: each launch leaves it as it found it
  const auto multiply = [&](const ColumnSplit& split, size_t first, unsigned n, bool add) {
    std::vector<float> out(n * kRows, 1.5f);
    LaunchTilesOf(*device, Tile::kSmall, split, memory, parts, inputs.view.From(first), n,
                  out.data(), kRows, add);
    return out;
  };
  std::vector<std::vector<float>> results;
  for (const uint32_t steps : {10u, 5u, 4u, 1u}) {
    const ColumnSplit split{(10 + steps - 1) / steps, steps};
    for (const bool add : {false, true}) {
      const std::vector<float> out = multiply(split, 0, kTokens, add);
      for (size_t i = 0; i < out.size(); ++i) {
        double sum = add ? 1.5 : 0.0;
        double squares = 0;
        for (size_t c = 0; c < kCols; ++c) {
          const double term =
              static_cast<double>(weights.floats[i % kRows * kCols + c]) * x[i / kRows * kCols + c];
          sum += term;
          squares += term * term;
        }
        CAPTURE(steps, i, sum, out[i]);
        REQUIRE(std::fabs(out[i] - sum) < 8 * std::sqrt(2 * squares) / 4096 + 1e-5);
      }
      if (!add) results.push_back(out);
    }
    const std::vector<float> part = multiply(split, 30, 17, false);
    CHECK(std::equal(part.begin(), part.end(), results.back().begin() + 30 * kRows));
  }
  // The columns are really added up in other groups.
  CHECK(results[1] != results[0]);
  CHECK(results[3] != results[1]);
  // What is chosen for a matrix is chosen for every number of rows.
  std::vector<float> chosen(kTokens * kRows), few(16 * kRows);
  LaunchTiles(*device, memory, parts, inputs.view, kTokens, chosen.data(), kRows, false);
  LaunchTiles(*device, memory, parts, inputs.view.From(9), 16, few.data(), kRows, false);
  CHECK(std::equal(few.begin(), few.end(), chosen.begin() + 9 * kRows));
  CHECK(chosen != results[0]);
}

TEST_CASE("parts of a joined matrix in tiles of one launch are the parts") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  constexpr unsigned kCols = 320;
  constexpr unsigned kTokens = 70;
  std::mt19937 random(16);
  const std::vector<float> x = RandomRows(kTokens * kCols, random);
  const Kind& kind = kKinds[4];
  const Weights whole(*device, kind.type, RandomFile(kind, 240 * kCols, random), 240, kCols);
  const Inputs inputs(*device, x, kCols);
  SplitMemory memory;
  const ColumnSplit split{3, 1};
  for (const Tile tile : kTiles) {
    if (UsesWarpgroups(tile) && !HasWarpgroups(*device)) continue;
    CAPTURE(SizeOf(tile).rows, SizeOf(tile).tokens);
    std::vector<float> alone(kTokens * 240);
    LaunchTilesOf(*device, tile, split, memory, {{whole.view}, {0}, 1}, inputs.view, kTokens,
                  alone.data(), 240, false);
    const MatrixParts parts{
        {RowsOf(whole.view, 0, 139), RowsOf(whole.view, 139, 1), RowsOf(whole.view, 140, 100)},
        {0, 139, 140},
        3};
    std::vector<float> together(kTokens * 240);
    LaunchTilesOf(*device, tile, split, memory, parts, inputs.view, kTokens, together.data(), 240,
                  false);
    CHECK(together == alone);
  }
}

TEST_CASE("rows of any size, and rows that are not finite") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  constexpr unsigned kRows = 3;
  constexpr unsigned kCols = 64;
  std::mt19937 random(14);
  const auto file = RandomFloats(TensorType::kF16, kRows * kCols, random);
  const Weights weights(*device, TensorType::kF16, file, kRows, kCols);
  const float sizes[] = {1e30f, 1e5f, 1.0f, 1e-20f, 1e-37f, 0.0f, NAN, INFINITY};
  std::vector<float> x = RandomRows(std::size(sizes) * kCols, random);
  for (size_t t = 0; t < std::size(sizes); ++t) {
    const bool odd = !std::isfinite(sizes[t]);
    for (size_t c = 0; c < kCols; ++c) x[t * kCols + c] *= odd ? 1.0f : sizes[t];
    if (odd) x[t * kCols + 7] = sizes[t];
  }
  const Inputs inputs(*device, x, kCols);
  std::vector<float> out(std::size(sizes) * kRows, 7);
  SplitMemory memory;
  LaunchTilesOf(*device, Tile::kSmall, {}, memory, {{weights.view}, {0}, 1}, inputs.view,
                std::size(sizes), out.data(), kRows, false);
  for (size_t t = 0; t < std::size(sizes); ++t) {
    for (size_t r = 0; r < kRows; ++r) {
      const float result = out[t * kRows + r];
      double sum = 0;
      for (size_t c = 0; c < kCols; ++c) {
        sum += static_cast<double>(weights.floats[r * kCols + c]) * x[t * kCols + c];
      }
      CAPTURE(sizes[t], result, sum);
      if (!std::isfinite(sizes[t])) {
        CHECK_FALSE(std::isfinite(result));
      } else if (sizes[t] < 1e-30f) {
        CHECK(std::fabs(result) < 1e-30f);
      } else {
        CHECK(std::fabs(result - sum) < 0.02 * sizes[t]);
      }
    }
  }
}

TEST_CASE("counters of split columns are zero also where their first pass lacked memory") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  constexpr unsigned kRows = 32, kLong = 1024, kTokens = 16;
  std::mt19937 random(9);
  const Inputs inputs(*device, RandomRows(kTokens * kLong, random), kLong);
  const Weights weights(*device, TensorType::kF16,
                        RandomFloats(TensorType::kF16, kRows * kLong, random), kRows, kLong);
  const ColumnSplit split = {2, 4};
  const auto multiply = [&](SplitMemory& memory) {
    std::vector<float> out(kTokens * kRows, -1.0f);
    LaunchTilesOf(*device, Tile::kSmall, split, memory, {{weights.view}, {0}, 1}, inputs.view,
                  kTokens, out.data(), kRows, false);
    device->Wait();
    return out;
  };
  SplitMemory whole, short_of_memory;
  const std::vector<float> expected = multiply(whole);
  CHECK(std::ranges::count(expected, -1.0f) == 0);
  device->NoteShortage(1);
  multiply(short_of_memory);
  CHECK(device->TakeShortage() == 1);
  CHECK(multiply(short_of_memory) == expected);
}

}  // namespace
}  // namespace hearth::model::cuda
