// TensorType: the storage types of GGUF tensors, and the shape of their blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hearth::model {

// Values are those of the GGUF file format (ggml_type).
enum class TensorType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kBF16 = 30,
  kMXFP4 = 39,
};

struct TensorTypeInfo {
  TensorType type;
  std::string_view name;    // as GGUF tools write it: "Q4_1"
  uint32_t block_elements;  // elements in one block
  uint32_t block_bytes;     // bytes of one block
};

// Null for a type that this build does not know.
const TensorTypeInfo* FindTensorType(uint32_t value);
const TensorTypeInfo* FindTensorType(std::string_view name);
// For a type that is known to be valid (one that a GgufFile holds).
const TensorTypeInfo& GetTensorType(TensorType type);

}  // namespace hearth::model
