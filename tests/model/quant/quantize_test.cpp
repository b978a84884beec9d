// Every encoder against golden blocks (tests/golden/README.md), bit by bit.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <vector>

#include "model/quant.h"
#include "tests/support/files.h"

namespace hearth::model {
namespace {

constexpr TensorType kEncoded[] = {TensorType::kF16,  TensorType::kBF16, TensorType::kQ4_0,
                                   TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1,
                                   TensorType::kQ8_0};

std::string GoldenFile(const std::string& name) {
  const char* const other = std::getenv("HEARTH_QUANT_GOLDEN");
  return test::ReadFile(other != nullptr ? std::filesystem::path(other) / name
                                         : test::Golden("quant/" + name));
}

TEST_CASE("golden floats encode to the bit") {
  const std::string stored = GoldenFile("floats.bin");
  std::vector<float> values(stored.size() / sizeof(float));
  REQUIRE(values.size() >= 24 * 32);
  std::memcpy(values.data(), stored.data(), stored.size());
  for (const TensorType type : kEncoded) {
    const TensorTypeInfo& info = GetTensorType(type);
    INFO(info.name);
    const std::string expected = GoldenFile(std::string(info.name) + ".encoded.bin");
    REQUIRE(CanQuantize(type));
    std::string actual(values.size() / info.block_elements * info.block_bytes, '\0');
    REQUIRE(actual.size() == expected.size());
    Quantize(type, values, std::as_writable_bytes(std::span(actual)));
    size_t different = 0;
    for (size_t i = 0; i < actual.size(); ++i) {
      if (actual[i] != expected[i] && different++ == 0) {
        CAPTURE(i / info.block_bytes, i % info.block_bytes);
        CHECK(int{actual[i]} == int{expected[i]});
      }
    }
    CHECK(different == 0);
  }
}

TEST_CASE("what is decoded and encoded again is decoded to the same") {
  std::vector<float> values(64);
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  for (const TensorType type : kEncoded) {
    const TensorTypeInfo& info = GetTensorType(type);
    INFO(info.name);
    std::vector<std::byte> bytes(values.size() / info.block_elements * info.block_bytes);
    std::vector<float> once(values.size()), twice(values.size());
    Quantize(type, values, bytes);
    Dequantize(type, bytes, once);
    // The step of a block is at most its range over the number of levels.
    for (size_t i = 0; i < values.size(); ++i) CHECK(std::abs(once[i] - values[i]) <= 2.0f / 15);
    Quantize(type, once, bytes);
    Dequantize(type, bytes, twice);
    for (size_t i = 0; i < values.size(); ++i) CHECK(std::abs(once[i] - twice[i]) <= 1e-3f);
  }
}

TEST_CASE("formats without an encoder say so") {
  CHECK(CanQuantize(TensorType::kF32));
  CHECK_FALSE(CanQuantize(TensorType::kQ4_K));
  CHECK_FALSE(CanQuantize(TensorType::kI8));
}

}  // namespace
}  // namespace hearth::model
