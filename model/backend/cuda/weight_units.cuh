// A unit of 32 weights of a row: fetched as it lies in its planes, and made into whole numbers with
// scales, or into halves. Fetching and unpacking are apart, so that a kernel can fetch ahead.
#pragma once

#include "model/backend/cuda/packed_matrix.h"
#include "model/backend/cuda/tensor_core.cuh"
#include "model/backend/cuda/warp.cuh"

namespace hearth::model::cuda {

template <TensorType kType>
struct RawUnit {
  static constexpr PlaneBytes kPlanes = PlanesOf(kType);
  uint4 quants[kPlanes.quants / 16];
  uint2 high;       // Q5: x alone
  unsigned scales;  // the unit's bytes of that plane, and of `super`
  unsigned super;

  __device__ void Fetch(const PackedMatrix& m, size_t unit) {
    const auto* in = reinterpret_cast<const uint4*>(m.quants + unit * kPlanes.quants);
    for (unsigned i = 0; i < kPlanes.quants / 16; ++i) quants[i] = in[i];
    if constexpr (kPlanes.high == 4) {
      high.x = *reinterpret_cast<const unsigned*>(m.high + unit * 4);
    }
    if constexpr (kPlanes.high == 8) high = *reinterpret_cast<const uint2*>(m.high + unit * 8);
    if constexpr (kPlanes.scales != 0) scales = Bytes<kPlanes.scales>(m.scales, unit);
    if constexpr (kPlanes.super != 0) super = Bytes<kPlanes.super>(m.super, unit / kSuperUnits);
  }

 private:
  template <unsigned kBytes>
  static __device__ unsigned Bytes(const uint8_t* plane, size_t unit) {
    static_assert(kBytes == 2 || kBytes == 4);
    if constexpr (kBytes == 2) return reinterpret_cast<const unsigned short*>(plane)[unit];
    return reinterpret_cast<const unsigned*>(plane)[unit];
  }
};

// One unit of a quantized row: 32 whole numbers, word i columns 4i .. 4i + 3, and what makes floats
// of them: weight = scale[half] * (number - offset) + min, halves of 16 columns.
struct UnitWeights {
  int words[8];
  float scale[2];
  float min;
};

__device__ inline int SpreadBits(unsigned four) {  // bit i to bit 4 of byte i
  return static_cast<int>(((four & 15u) * 0x00204081u & 0x01010101u) << 4);
}

template <TensorType kType>
struct UnitFormat {
  static constexpr PlaneBytes kPlanes = PlanesOf(kType);
  static constexpr bool kBytes = kType == TensorType::kQ8_0;
  static constexpr bool kFive = kPlanes.high == 4;
  static constexpr bool kSix = kPlanes.high == 8;
  static constexpr bool kHasMin = kPlanes.scales == 4 || kPlanes.super == 4;
  static constexpr int kOffset = kType == TensorType::kQ4_0   ? 8
                                 : kType == TensorType::kQ5_0 ? 16
                                 : kSix                       ? 32
                                                              : 0;

  static __device__ void Unpack(const RawUnit<kType>& raw, UnitWeights& out) {
    UnpackWords(raw, out.words);
    out.min = 0;
    if constexpr (kPlanes.super == 0) {
      out.scale[0] = out.scale[1] = HalfOf(raw.scales);
      if constexpr (kHasMin) out.min = HalfOf(raw.scales >> 16);
    } else if constexpr (kSix) {
      out.scale[0] = HalfOf(raw.super) * static_cast<int8_t>(raw.scales);
      out.scale[1] = HalfOf(raw.super) * static_cast<int8_t>(raw.scales >> 8);
    } else {
      out.scale[0] = out.scale[1] = HalfOf(raw.super) * static_cast<uint8_t>(raw.scales);
      out.min = -HalfOf(raw.super >> 16) * static_cast<uint8_t>(raw.scales >> 8);
    }
  }
  static __device__ void Load(const PackedMatrix& m, size_t unit, UnitWeights& out) {
    RawUnit<kType> raw;
    raw.Fetch(m, unit);
    Unpack(raw, out);
  }

 private:
  static __device__ void UnpackWords(const RawUnit<kType>& raw, int* words) {
    const uint4 first = raw.quants[0];
    const unsigned in[4] = {first.x, first.y, first.z, first.w};
    if constexpr (kBytes) {
      const uint4 second = raw.quants[1];
      const unsigned more[4] = {second.x, second.y, second.z, second.w};
      for (int i = 0; i < 4; ++i) {
        words[i] = static_cast<int>(in[i]);
        words[4 + i] = static_cast<int>(more[i]);
      }
    } else {
      for (int i = 0; i < 4; ++i) {
        words[i] = static_cast<int>(in[i] & 0x0f0f0f0fu);
        words[4 + i] = static_cast<int>(in[i] >> 4 & 0x0f0f0f0fu);
      }
    }
    if constexpr (kFive) {
      for (int i = 0; i < 8; ++i) words[i] |= SpreadBits(raw.high.x >> (4 * i));
    }
    if constexpr (kSix) {
      for (int i = 0; i < 4; ++i) {
        words[i] |= static_cast<int>((raw.high.x >> (2 * i) & 0x03030303u) << 4);
        words[4 + i] |= static_cast<int>((raw.high.y >> (2 * i) & 0x03030303u) << 4);
      }
    }
  }
};

// The unit as halves, word i columns 2i and 2i + 1: each weight is rounded once. F32 has no place
// here: its weights would lose what their file keeps them for.
template <TensorType kType>
__device__ void HalvesOf(const RawUnit<kType>& raw, unsigned* pairs) {
  static_assert(kType != TensorType::kF32);
  if constexpr (RawUnit<kType>::kPlanes.scales == 0) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const unsigned words[4] = {raw.quants[i].x, raw.quants[i].y, raw.quants[i].z,
                                 raw.quants[i].w};
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        pairs[4 * i + j] = kType == TensorType::kBF16
                               ? HalfPair(BrainOf(words[j] & 0xffffu), BrainOf(words[j] >> 16))
                               : words[j];
      }
    }
  } else {
    UnitWeights unit;
    UnitFormat<kType>::Unpack(raw, unit);
    const auto weight = [&](int j) {
      const int number = static_cast<int8_t>(unit.words[j / 4] >> (j % 4 * 8));
      return fmaf(unit.scale[j / 16], static_cast<float>(number - UnitFormat<kType>::kOffset),
                  unit.min);
    };
#pragma unroll
    for (int i = 0; i < 16; ++i) pairs[i] = HalfPair(weight(2 * i), weight(2 * i + 1));
  }
}

}  // namespace hearth::model::cuda
