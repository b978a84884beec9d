#include "model/tensor_type.h"

#include <catch2/catch.hpp>
#include <set>

#include "model/quant.h"

namespace hearth::model {
namespace {

TEST_CASE("types are found by number and by name") {
  std::set<std::string_view> names;
  for (uint32_t value = 0; value < 64; ++value) {
    const TensorTypeInfo* const info = FindTensorType(value);
    if (info == nullptr) continue;
    CHECK(static_cast<uint32_t>(info->type) == value);
    CHECK(names.insert(info->name).second);
    CHECK(FindTensorType(info->name) == info);
    CHECK(&GetTensorType(info->type) == info);
  }
  CHECK(names.size() == 26);
  CHECK(FindTensorType("Q9_9") == nullptr);
  for (const uint32_t gone : {4u, 5u, 31u, 36u, 1000u}) CHECK(FindTensorType(gone) == nullptr);
}

TEST_CASE("bits for one weight") {
  const auto bits = [](TensorType type) {
    const TensorTypeInfo& info = GetTensorType(type);
    return 8.0 * info.block_bytes / info.block_elements;
  };
  CHECK(bits(TensorType::kQ4_0) == 4.5);
  CHECK(bits(TensorType::kQ8_0) == 8.5);
  CHECK(bits(TensorType::kQ4_K) == 4.5);
  CHECK(bits(TensorType::kQ6_K) == 6.5625);
  CHECK(bits(TensorType::kIQ2_XXS) == 2.0625);
  CHECK(bits(TensorType::kMXFP4) == 4.25);
}

}  // namespace
}  // namespace hearth::model
