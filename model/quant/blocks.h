// Block decoders and encoders: one function per storage format, each in the file of its name.
//
// DecodeX writes `blocks` blocks (or, for the plain types, elements) that lie one after another at
// `in` as float32 to `out`. `in` needs no alignment. The order of the float operations is part of
// the contract: results are equal to the bit with those of the reference package.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "model/quant.h"

namespace hearth::model::blocks {

using Decoder = void (*)(const uint8_t* in, float* out, size_t blocks);

void DecodeF32(const uint8_t* in, float* out, size_t elements);
void DecodeF16(const uint8_t* in, float* out, size_t elements);
void DecodeBf16(const uint8_t* in, float* out, size_t elements);
void DecodeQ4_0(const uint8_t* in, float* out, size_t blocks);
void DecodeQ4_1(const uint8_t* in, float* out, size_t blocks);
void DecodeQ5_0(const uint8_t* in, float* out, size_t blocks);
void DecodeQ5_1(const uint8_t* in, float* out, size_t blocks);
void DecodeQ8_0(const uint8_t* in, float* out, size_t blocks);
void DecodeQ2_K(const uint8_t* in, float* out, size_t blocks);
void DecodeQ3_K(const uint8_t* in, float* out, size_t blocks);
void DecodeQ4_K(const uint8_t* in, float* out, size_t blocks);
void DecodeQ5_K(const uint8_t* in, float* out, size_t blocks);
void DecodeQ6_K(const uint8_t* in, float* out, size_t blocks);
void DecodeIQ2_XXS(const uint8_t* in, float* out, size_t blocks);
void DecodeIQ2_XS(const uint8_t* in, float* out, size_t blocks);
void DecodeIQ2_S(const uint8_t* in, float* out, size_t blocks);
void DecodeIQ3_XXS(const uint8_t* in, float* out, size_t blocks);
void DecodeIQ3_S(const uint8_t* in, float* out, size_t blocks);
void DecodeIQ4_NL(const uint8_t* in, float* out, size_t blocks);
void DecodeIQ4_XS(const uint8_t* in, float* out, size_t blocks);
void DecodeMXFP4(const uint8_t* in, float* out, size_t blocks);

// EncodeX writes blocks for 32 floats each (or, for the plain types, one).
using Encoder = void (*)(const float* in, uint8_t* out, size_t blocks);

void EncodeF32(const float* in, uint8_t* out, size_t elements);
void EncodeF16(const float* in, uint8_t* out, size_t elements);
void EncodeBf16(const float* in, uint8_t* out, size_t elements);
void EncodeQ4_0(const float* in, uint8_t* out, size_t blocks);
void EncodeQ4_1(const float* in, uint8_t* out, size_t blocks);
void EncodeQ5_0(const float* in, uint8_t* out, size_t blocks);
void EncodeQ5_1(const float* in, uint8_t* out, size_t blocks);
void EncodeQ8_0(const float* in, uint8_t* out, size_t blocks);

// Encoders that fit a block's scales to what errors cost (fit.h). `importance` is as long as `in`;
// for the K formats, which have no simpler encoder, it may be null.
using WeightedEncoder = void (*)(const float* in, const float* importance, uint8_t* out,
                                 size_t blocks);

void EncodeQ4_0Weighted(const float* in, const float* importance, uint8_t* out, size_t blocks);
void EncodeQ4_1Weighted(const float* in, const float* importance, uint8_t* out, size_t blocks);
void EncodeQ5_0Weighted(const float* in, const float* importance, uint8_t* out, size_t blocks);
void EncodeQ5_1Weighted(const float* in, const float* importance, uint8_t* out, size_t blocks);
void EncodeQ4_K(const float* in, const float* importance, uint8_t* out, size_t blocks);
void EncodeQ5_K(const float* in, const float* importance, uint8_t* out, size_t blocks);
void EncodeQ6_K(const float* in, const float* importance, uint8_t* out, size_t blocks);

template <typename T>
T Load(const uint8_t* in) {
  T value;
  std::memcpy(&value, in, sizeof(T));
  return value;
}

template <typename T>
void Store(uint8_t* out, T value) {
  std::memcpy(out, &value, sizeof(T));
}

inline float LoadHalf(const uint8_t* in) { return HalfToFloat(Load<uint16_t>(in)); }

}  // namespace hearth::model::blocks
