// The SIMD vocabulary of the kernels in plain C++, for any processor. See simd_avx512.h.
#pragma once

#include <cmath>

#include "model/quant.h"

namespace hearth::model::cpu::scalar {

// Rows of activations (or queries) that a kernel takes at once: what fits the registers.
constexpr int kPanelsAtOnce = 1;
constexpr int kStreams = 1;  // panels at once for a few rows
constexpr int kTileQuantized = 2;
constexpr int kTileHalves = 1;  // of formats with two halves
constexpr int kTileFloats = 2;
constexpr int kTileAttention = 2;
constexpr int kAttentionChains = 2;  // sums that attention keeps at once
constexpr const char* kIsaName = "scalar";
constexpr int kWeight8Offset = 0;

struct F {
  float v[16];
};
struct I {
  int32_t v[16];
};
struct B {
  int8_t v[64];
};

template <typename Out, typename Lane>
inline Out Each(Lane lane) {
  Out out;
  for (int i = 0; i < 16; ++i) out.v[i] = lane(i);
  return out;
}

inline F Set(float x) {
  return Each<F>([&](int) { return x; });
}
inline F Zero() { return Set(0.0f); }
inline F Load(const float* p) {
  return Each<F>([&](int i) { return p[i]; });
}
inline void Store(float* p, F x) { __builtin_memcpy(p, x.v, sizeof(x.v)); }
inline F Add(F a, F b) {
  return Each<F>([&](int i) { return a.v[i] + b.v[i]; });
}
inline F Sub(F a, F b) {
  return Each<F>([&](int i) { return a.v[i] - b.v[i]; });
}
inline F Mul(F a, F b) {
  return Each<F>([&](int i) { return a.v[i] * b.v[i]; });
}
inline F Div(F a, F b) {
  return Each<F>([&](int i) { return a.v[i] / b.v[i]; });
}
inline F Fma(F a, F b, F c) {
  return Each<F>([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
}
inline F Max(F a, F b) {
  return Each<F>([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
inline F Min(F a, F b) {
  return Each<F>([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
inline F Abs(F a) {
  return Each<F>([&](int i) { return std::fabs(a.v[i]); });
}
inline float Sum(F a) {
  float sum = 0;
  for (float v : a.v) sum += v;
  return sum;
}
inline float Top(F a) {
  float top = a.v[0];
  for (float v : a.v) top = v > top ? v : top;
  return top;
}
inline F RoundToInt(F a) {
  return Each<F>([&](int i) { return std::nearbyint(a.v[i]); });
}
inline F Scale2(F a, F n) {
  return Each<F>([&](int i) { return std::ldexp(a.v[i], static_cast<int>(n.v[i])); });
}
inline F FirstLanes(int n, F x, F y) {
  return Each<F>([&](int i) { return i < n ? x.v[i] : y.v[i]; });
}

inline F FromHalf(const uint16_t* p) {
  return Each<F>([&](int i) { return HalfToFloat(p[i]); });
}
inline void ToHalf(uint16_t* p, F x) {
  for (int i = 0; i < 16; ++i) p[i] = FloatToHalf(x.v[i]);
}
inline F FromBf16(const uint16_t* p) {
  return Each<F>([&](int i) { return Bf16ToFloat(p[i]); });
}

template <int kBits>
inline I ShiftRight(I x) {
  return Each<I>([&](int i) { return x.v[i] >> kBits; });
}
template <int kBits>
inline I ShiftLeft(I x) {
  return Each<I>([&](int i) { return x.v[i] << kBits; });
}
inline I SetInt(int32_t x) {
  return Each<I>([&](int) { return x; });
}
inline F ToFloat(I x) {
  return Each<F>([&](int i) { return static_cast<float>(x.v[i]); });
}
inline I AddInt(I a, I b) {
  return Each<I>([&](int i) { return a.v[i] + b.v[i]; });
}
inline int32_t SumInt(I x) {
  int32_t sum = 0;
  for (int32_t v : x.v) sum += v;
  return sum;
}
inline I RoundToBytes(int8_t* p, F x) {
  const I whole = Each<I>([&](int i) { return static_cast<int32_t>(std::nearbyint(x.v[i])); });
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(whole.v[i]);
  return whole;
}

inline B LoadBytes(const uint8_t* p) {
  B out;
  __builtin_memcpy(out.v, p, sizeof(out.v));
  return out;
}
inline void StoreBytes(uint8_t* p, B x) { __builtin_memcpy(p, x.v, sizeof(x.v)); }
inline B LowNibbles(B x) {
  for (int8_t& v : x.v) v = static_cast<int8_t>(v & 15);
  return x;
}
inline B HighNibbles(B x) {
  for (int8_t& v : x.v) v = static_cast<int8_t>((static_cast<uint8_t>(v) >> 4) & 15);
  return x;
}
using A = const int8_t*;
inline A Four(const int8_t* p) { return p; }
inline I Dot8(I acc, B weights, A four) {
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 4; ++j) acc.v[i] += weights.v[4 * i + j] * four[j];
  }
  return acc;
}
inline I Dot7(I acc, B weights, A four) { return Dot8(acc, weights, four); }

inline F ZeroWhereHidden(F score, F x) {
  return Each<F>([&](int i) { return score.v[i] > -__builtin_inff() ? x.v[i] : 0.0f; });
}

inline F FromBytes(const uint8_t* p) {
  return Each<F>([&](int i) { return static_cast<float>(p[i]); });
}
inline F FromSignedBytes(const uint8_t* p) {
  return Each<F>([&](int i) { return static_cast<float>(static_cast<int8_t>(p[i])); });
}
inline B AddWhere(B x, const uint8_t* bits, int value) {
  for (int i = 0; i < 64; ++i) {
    if ((bits[i / 8] >> (i % 8) & 1) != 0) x.v[i] = static_cast<int8_t>(x.v[i] + value);
  }
  return x;
}

// x | (bits 2 kField and 2 kField + 1 of each byte of fields) << 4
template <int kField>
inline B AddPair(B x, B fields) {
  for (int i = 0; i < 64; ++i) {
    x.v[i] = static_cast<uint8_t>(x.v[i] | (fields.v[i] >> (2 * kField) & 3) << 4);
  }
  return x;
}

}  // namespace hearth::model::cpu::scalar
