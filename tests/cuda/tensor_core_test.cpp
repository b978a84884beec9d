// What lanes hold and exchange, beside the matrices themselves.
#include "model/backend/cuda/tensor_core.cuh"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/device_array.h"
#include "model/quant.h"

namespace hearth::model::cuda {
namespace {

using Halves = std::vector<uint16_t>;

Halves RandomHalves(size_t n, std::mt19937& random) {
  std::uniform_int_distribution<int> whole(-9, 9);  // products and sums are exact
  Halves halves(n);
  for (uint16_t& half : halves) half = FloatToHalf(static_cast<float>(whole(random)));
  return halves;
}

// C = A B of 16 x 16 and 16 x 8 from shared memory. `a` is [row][k]; `b` [column][k], or
// [k][column] where transposed.
__global__ void MultiplyOnce(const uint16_t* a, const uint16_t* b, bool transposed, float* c) {
  BeginKernel();
  __shared__ uint4 rows_of_a[16][3];  // rows of 16 halves, padded
  __shared__ uint4 rows_of_b[16][3];
  const unsigned lane = threadIdx.x;
  CopyAsync(&rows_of_a[lane / 2][lane % 2], a + lane * 8, true);
  if (transposed) {
    if (lane < 16) CopyAsync(&rows_of_b[lane][0], b + lane * 8, true);
  } else {
    if (lane < 16) CopyAsync(&rows_of_b[lane / 2][lane % 2], b + lane * 8, true);
    CopyAsync(&rows_of_b[8 + lane % 8][lane / 8 % 2], b, false);
  }
  WaitForCopies();
  __syncwarp();
  unsigned words_of_a[4];
  unsigned words_of_b[4];
  LoadMatrices(&rows_of_a[lane % 16][lane / 16], words_of_a);
  if (transposed) {
    LoadMatricesTransposed(&rows_of_b[lane % 16][0], words_of_b);
  } else {
    LoadMatrices(&rows_of_b[lane % 8 + lane / 16 * 8][lane / 8 % 2], words_of_b);
  }
  float sums[2][4] = {};
  MultiplyAdd(words_of_a, words_of_b, sums[0]);
  if (!transposed) MultiplyAdd(words_of_a, words_of_b + 2, sums[1]);
  for (unsigned e = 0; e < 4; ++e) {
    const unsigned row = lane / 4 + e / 2 * 8;
    const unsigned column = lane % 4 * 2 + e % 2;
    c[row * 16 + column] = sums[0][e];
    c[row * 16 + 8 + column] = sums[1][e];
  }
}

TEST_CASE("a product of matrices from shared memory is the product") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  std::mt19937 random(5);
  const Halves a = RandomHalves(16 * 16, random);
  const Halves b = RandomHalves(16 * 8, random);
  DeviceArray<uint16_t> device_a, device_b;
  device_a.Upload(*device, a);
  device_b.Upload(*device, b);
  DeviceArray<float> c;
  c.Reserve(*device, 16 * 16);
  for (const bool transposed : {false, true}) {
    Launch(*device, &MultiplyOnce, dim3(1), dim3(32), device_a.data(), device_b.data(), transposed,
           c.data());
    for (size_t row = 0; row < 16; ++row) {
      for (size_t column = 0; column < 8; ++column) {
        float sum = 0;
        for (size_t k = 0; k < 16; ++k) {
          const uint16_t of_b = transposed ? b[k * 8 + column] : b[column * 16 + k];
          sum += HalfToFloat(a[row * 16 + k]) * HalfToFloat(of_b);
        }
        CAPTURE(transposed, row, column);
        CHECK(c.data()[row * 16 + column] == sum);
        CHECK(c.data()[row * 16 + 8 + column] == 0);  // what is not wanted is zero
      }
    }
  }
}

// Words whose bits say where they are: which lane gets which, by the tables of the PTX ISA.
__global__ void ShowPieces(uint32_t* straight, uint32_t* transposed) {
  BeginKernel();
  __shared__ uint4 rows[32];
  auto* halves = reinterpret_cast<uint16_t*>(rows);
  for (unsigned i = 0; i < 8; ++i) {
    halves[threadIdx.x * 8 + i] = static_cast<uint16_t>(threadIdx.x * 8 + i);
  }
  __syncwarp();
  LoadMatrices(&rows[threadIdx.x], straight + 4 * threadIdx.x);
  LoadMatricesTransposed(&rows[threadIdx.x], transposed + 4 * threadIdx.x);
}

TEST_CASE("a lane gets two neighbours of a row, or of a column where it is transposed") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  std::vector<uint32_t> straight(128), transposed(128);
  Launch(*device, &ShowPieces, dim3(1), dim3(32), straight.data(), transposed.data());
  for (uint32_t lane = 0; lane < 32; ++lane) {
    for (uint32_t matrix = 0; matrix < 4; ++matrix) {
      const uint32_t at = 64 * matrix + 8 * (lane / 4) + 2 * (lane % 4);
      CHECK(straight[4 * lane + matrix] == (at | (at + 1) << 16));
      const uint32_t down = 64 * matrix + 8 * (2 * (lane % 4)) + lane / 4;
      CHECK(transposed[4 * lane + matrix] == (down | (down + 8) << 16));
    }
  }
}

}  // namespace
}  // namespace hearth::model::cuda
