// Every decoder against golden blocks (tests/golden/README.md), bit by bit.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <vector>

#include "model/quant.h"
#include "tests/support/files.h"

namespace hearth::model {
namespace {

constexpr TensorType kWeightTypes[] = {
    TensorType::kF16,     TensorType::kBF16,   TensorType::kQ4_0,   TensorType::kQ4_1,
    TensorType::kQ5_0,    TensorType::kQ5_1,   TensorType::kQ8_0,   TensorType::kQ2_K,
    TensorType::kQ3_K,    TensorType::kQ4_K,   TensorType::kQ5_K,   TensorType::kQ6_K,
    TensorType::kIQ2_XXS, TensorType::kIQ2_XS, TensorType::kIQ2_S,  TensorType::kIQ3_XXS,
    TensorType::kIQ3_S,   TensorType::kIQ4_NL, TensorType::kIQ4_XS, TensorType::kMXFP4};

TEST_CASE("golden blocks decode to the bit") {
  // A larger set from scripts/make_quant_golden.py may be named instead.
  const char* const other = std::getenv("HEARTH_QUANT_GOLDEN");
  for (const TensorType type : kWeightTypes) {
    const TensorTypeInfo& info = GetTensorType(type);
    INFO(info.name);
    const std::string file = std::string(info.name) + ".bin";
    const std::string data = test::ReadFile(other != nullptr ? std::filesystem::path(other) / file
                                                             : test::Golden("quant/" + file));
    REQUIRE(data.size() > sizeof(uint32_t));
    uint32_t blocks = 0;
    std::memcpy(&blocks, data.data(), sizeof(blocks));
    const size_t elements = size_t{blocks} * info.block_elements;
    const size_t bytes = size_t{blocks} * info.block_bytes;
    REQUIRE(data.size() == sizeof(blocks) + bytes + elements * sizeof(float));
    std::vector<float> expected(elements), actual(elements);
    std::memcpy(expected.data(), data.data() + sizeof(blocks) + bytes, elements * sizeof(float));

    REQUIRE(CanDequantize(type));
    Dequantize(type, std::as_bytes(std::span(data)).subspan(sizeof(blocks), bytes), actual);
    size_t different = 0;
    for (size_t i = 0; i < elements; ++i) {
      const bool same = std::isnan(expected[i]) ? std::isnan(actual[i])
                                                : std::bit_cast<uint32_t>(expected[i]) ==
                                                      std::bit_cast<uint32_t>(actual[i]);
      if (!same && different++ == 0) {
        CAPTURE(i, expected[i], actual[i]);
        CHECK(same);
      }
    }
    CHECK(different == 0);
  }
}

TEST_CASE("F32 is copied") {
  const std::vector<float> in = {0.0f, -0.0f, 1.5f, -3e38f};
  std::vector<float> out(in.size());
  Dequantize(TensorType::kF32, std::as_bytes(std::span(in)), out);
  CHECK(std::memcmp(in.data(), out.data(), in.size() * sizeof(float)) == 0);
}

TEST_CASE("integer types hold no weights") {
  for (const TensorType type : {TensorType::kI8, TensorType::kI32, TensorType::kF64}) {
    CHECK_FALSE(CanDequantize(type));
  }
}

}  // namespace
}  // namespace hearth::model
