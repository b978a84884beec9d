// Matrices sent in pieces lie on the device as those that are packed whole.
#include "model/backend/cuda/weight_upload.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "tests/cuda/random_products.h"

namespace hearth::model::cuda {
namespace {

constexpr size_t kRows = 37;
constexpr size_t kCols = 512;

void CheckUpload(WeightUpload& upload, Device& device, TensorType type,
                 const std::vector<std::byte>& file) {
  CAPTURE(GetTensorType(type).name);
  const TensorType held = HeldAs(type);
  std::vector<uint8_t> whole(PackedBytes(held, kRows, kCols));
  Pack(type, kRows, kCols, file, whole.data());
  std::vector<uint8_t> sent(whole.size(), 0x5a);
  REQUIRE(upload.Send(type, kRows, kCols, file, sent.data()));
  device.Wait();
  const PackedMatrix a = ViewOf(held, kRows, kCols, whole.data());
  const PackedMatrix b = ViewOf(held, kRows, kCols, sent.data());
  const PlaneSizes sizes = PlaneSizesOf(held, kRows, kCols);
  CHECK(std::equal(a.quants, a.quants + sizes.quants, b.quants));
  CHECK(std::equal(a.high, a.high + sizes.high, b.high));
  CHECK(std::equal(a.scales, a.scales + sizes.scales, b.scales));
  CHECK(std::equal(a.super, a.super + sizes.super, b.super));
}

TEST_CASE("pieces of any size, packed by any number of threads, make the same matrix") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  std::mt19937 random(11);
  // Rows of Q8_0 take 544 bytes: one at a time, some, all at once.
  for (const size_t piece : {size_t{1}, size_t{2000}, size_t{1} << 20}) {
    for (const int threads : {1, 3}) {
      CAPTURE(piece, threads);
      WeightUpload upload(*device, threads, piece);
      for (const Kind& kind : kKinds) {
        CheckUpload(upload, *device, kind.type, RandomFile(kind, kRows * kCols, random));
      }
      for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16}) {
        CheckUpload(upload, *device, type, RandomFloats(type, kRows * kCols, random));
      }
    }
  }
  CHECK(device->failure() == cudaSuccess);
}

}  // namespace
}  // namespace hearth::model::cuda
