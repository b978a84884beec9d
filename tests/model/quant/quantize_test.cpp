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

// Numbers as weights have them: mostly small, a few large; deterministic.
std::vector<float> Weights(size_t n) {
  std::vector<float> values(n);
  uint64_t state = 7;
  for (float& value : values) {
    float sum = 0;
    for (int i = 0; i < 4; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      sum += static_cast<float>(state >> 40) * 0x1p-24f - 0.5f;
    }
    value = 0.05f * sum * std::abs(sum);
  }
  return values;
}

// The mean square that a format is off, errors counting by `importance`.
double ErrorOf(TensorType type, std::span<const float> values, std::span<const float> used,
               std::span<const float> importance) {
  const TensorTypeInfo& info = GetTensorType(type);
  std::vector<std::byte> bytes(values.size() / info.block_elements * info.block_bytes);
  std::vector<float> back(values.size());
  Quantize(type, values, bytes, used);
  Dequantize(type, bytes, back);
  double sum = 0;
  double weights = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double off = back[i] - values[i];
    sum += importance[i] * off * off;
    weights += importance[i];
  }
  return sum / weights;
}

TEST_CASE("K formats are closer than the simple formats of as many bits") {
  const std::vector<float> values = Weights(64 * 256);
  const std::vector<float> alike(values.size(), 1.0f);
  const auto error = [&](TensorType type) { return ErrorOf(type, values, {}, alike); };
  CHECK(error(TensorType::kQ4_K) < error(TensorType::kQ4_0));
  CHECK(error(TensorType::kQ4_K) < error(TensorType::kQ4_1));
  CHECK(error(TensorType::kQ5_K) < error(TensorType::kQ5_0));
  CHECK(error(TensorType::kQ5_K) < error(TensorType::kQ5_1));
  CHECK(error(TensorType::kQ6_K) < error(TensorType::kQ5_K));
  CHECK(error(TensorType::kQ8_0) < error(TensorType::kQ6_K));
}

TEST_CASE("an importance moves the error to where it costs less") {
  const std::vector<float> values = Weights(64 * 256);
  std::vector<float> importance(values.size());
  for (size_t i = 0; i < importance.size(); ++i) importance[i] = i % 8 == 0 ? 20.0f : 0.5f;
  for (const TensorType type :
       {TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1,
        TensorType::kQ4_K, TensorType::kQ5_K, TensorType::kQ6_K}) {
    INFO(GetTensorType(type).name);
    CHECK(ErrorOf(type, values, importance, importance) <
          0.98 * ErrorOf(type, values, {}, importance));
  }
}

TEST_CASE("blocks of nothing, of one number, of huge and of tiny ones come back") {
  const std::vector<float> ones(256, 1.0f);
  for (const TensorType type :
       {TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1,
        TensorType::kQ4_K, TensorType::kQ5_K, TensorType::kQ6_K, TensorType::kQ8_0}) {
    const TensorTypeInfo& info = GetTensorType(type);
    for (const float scale : {0.0f, 1.0f, -1.0f, 1e-42f, 6e4f, 1e30f, -3e38f}) {
      for (const bool weighted : {false, true}) {
        std::vector<float> values(256, scale);
        values[3] = -scale;
        std::vector<std::byte> bytes(values.size() / info.block_elements * info.block_bytes);
        std::vector<float> back(values.size());
        Quantize(type, values, bytes,
                 weighted ? std::span<const float>(ones) : std::span<const float>());
        Dequantize(type, bytes, back);
        CAPTURE(info.name, scale, weighted, back[0], back[3]);
        // Beyond what a half can hold nothing is promised but an end.
        if (std::abs(scale) > 6e4f) continue;
        for (const size_t i : {0u, 3u, 255u}) {
          CHECK(std::abs(back[i] - values[i]) <= std::abs(scale) * 0.14f + 1e-4f);
        }
      }
    }
  }
}

TEST_CASE("formats without an encoder say so") {
  CHECK(CanQuantize(TensorType::kF32));
  CHECK_FALSE(CanQuantize(TensorType::kQ2_K));
  CHECK_FALSE(CanQuantize(TensorType::kI8));
}

}  // namespace
}  // namespace hearth::model
