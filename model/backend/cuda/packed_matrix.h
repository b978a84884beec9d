// How a weight matrix lies in device memory. Units of 32 columns, and of each unit the parts in
// planes of their own, so that neighbouring lanes read neighbouring 16 bytes:
//   quants  [rows][units] 16 bytes, byte j column j below and column j + 16 above; Q8_0 32 bytes
//   high    [rows][units] Q5: 4 bytes, bit j column j; Q6_K: two words, and bits 2g and 2g + 1 of
//           byte i of word w those of column 16w + 4g + i
//   scales  [rows][units] Q4_0, Q5_0, Q8_0: an F16 scale; Q4_1, Q5_1: that and an F16 minimum;
//           Q4_K, Q5_K: bytes scale and minimum; Q6_K: signed bytes, a scale for each 16 columns
//   super   [rows][units / 8] Q4_K, Q5_K: F16 multipliers of scales and minima; Q6_K: of scales
// F32, F16 and BF16 lie as in the file, in `quants`. Other types are turned into F16.
// Pure host code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/tensor_type.h"

namespace hearth::model::cuda {

struct PlaneBytes {  // of a unit of 32 columns, `super` of eight of them
  uint32_t quants = 0, high = 0, scales = 0, super = 0;
};
constexpr uint32_t kUnit = 32;
constexpr uint32_t kSuperUnits = 8;
constexpr PlaneBytes PlanesOf(TensorType type) {
  switch (type) {
    case TensorType::kQ4_0:
      return {16, 0, 2, 0};
    case TensorType::kQ4_1:
      return {16, 0, 4, 0};
    case TensorType::kQ5_0:
      return {16, 4, 2, 0};
    case TensorType::kQ5_1:
      return {16, 4, 4, 0};
    case TensorType::kQ8_0:
      return {32, 0, 2, 0};
    case TensorType::kQ4_K:
      return {16, 0, 2, 4};
    case TensorType::kQ5_K:
      return {16, 4, 2, 4};
    case TensorType::kQ6_K:
      return {16, 8, 2, 2};
    case TensorType::kF32:
      return {128, 0, 0, 0};
    default:
      return {64, 0, 0, 0};
  }
}
// What a tensor of this type is held as.
constexpr TensorType HeldAs(TensorType type) {
  const bool as_it_is =
      PlanesOf(type).scales != 0 || type == TensorType::kF32 || type == TensorType::kBF16;
  return as_it_is ? type : TensorType::kF16;
}

// A view, passed to kernels by value. The memory is the device's; each plane of a whole matrix is
// aligned to 256 bytes.
struct PackedMatrix {
  TensorType type = TensorType::kF32;
  uint32_t rows = 0;
  uint32_t cols = 0;
  const uint8_t* quants = nullptr;
  const uint8_t* high = nullptr;
  const uint8_t* scales = nullptr;
  const uint8_t* super = nullptr;
};

// Rows [first, first + rows) of a matrix.
inline PackedMatrix RowsOf(const PackedMatrix& m, uint32_t first, uint32_t rows) {
  const PlaneBytes planes = PlanesOf(m.type);
  const size_t units = static_cast<size_t>(first) * (m.cols / kUnit);
  return {m.type,
          rows,
          m.cols,
          m.quants + units * planes.quants,
          m.high + units * planes.high,
          m.scales + units * planes.scales,
          m.super + units / kSuperUnits * planes.super};
}

size_t PackedBytes(TensorType held, size_t rows, size_t cols);
// A view of PackedBytes(...) bytes at `data`.
PackedMatrix ViewOf(TensorType held, size_t rows, size_t cols, const uint8_t* data);
// Where rows of a matrix go: each plane begins with the first of them.
struct PackedRows {
  uint8_t* quants = nullptr;
  uint8_t* high = nullptr;
  uint8_t* scales = nullptr;
  uint8_t* super = nullptr;
};
// Bytes of each plane of so many rows.
struct PlaneSizes {
  size_t quants = 0, high = 0, scales = 0, super = 0;
  size_t all() const { return quants + high + scales + super; }
};
PlaneSizes PlaneSizesOf(TensorType held, size_t rows, size_t cols);
// Packs rows of type `type` as they lie in a file. cols is a multiple of the type's block, and of
// 32.
void PackRows(TensorType type, size_t rows, size_t cols, std::span<const std::byte> file,
              const PackedRows& out);
// Packs a whole matrix into PackedBytes(HeldAs(type), ...) bytes.
void Pack(TensorType type, size_t rows, size_t cols, std::span<const std::byte> file, uint8_t* out);

}  // namespace hearth::model::cuda
