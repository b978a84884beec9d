// Block formats: how each TensorType turns into floats. One file per format under quant/.
//
// Decoding is exact: bit by bit what the PyPI package `gguf` computes in float32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/tensor_type.h"

namespace hearth::model {

// True where Dequantize knows the type.
bool CanDequantize(TensorType type);
// Writes out.size() floats from in; out.size() is a multiple of the type's block_elements and
// in.size() == out.size() / block_elements * block_bytes.
void Dequantize(TensorType type, std::span<const std::byte> in, std::span<float> out);

// True where Quantize knows the type.
bool CanQuantize(TensorType type);
// The inverse: writes the blocks that stand for in; sizes as for Dequantize. Bit by bit what the
// PyPI package `gguf` makes of finite numbers, where it has an encoder; Q4_K, Q5_K and Q6_K, which
// it cannot encode, get the least weighted squares that a search finds.
// `importance`, empty or as long as in, says how much an error in each element matters (the mean
// square of what it is multiplied with); Q4_0 to Q5_1 and the K formats then minimize that.
void Quantize(TensorType type, std::span<const float> in, std::span<std::byte> out,
              std::span<const float> importance = {});

float HalfToFloat(uint16_t half);
uint16_t FloatToHalf(float value);  // round to nearest even
inline float Bf16ToFloat(uint16_t v) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(v) << 16);
}
uint16_t FloatToBf16(float value);  // round to nearest even

}  // namespace hearth::model
