// The SIMD vocabulary of the kernels, for AVX2 with FMA and F16C: each word is a pair of halves.
// See simd_avx512.h.
#pragma once

#include <immintrin.h>

namespace hearth::model::cpu::avx2 {

// Rows of activations (or queries) that a kernel takes at once: what fits the registers.
constexpr int kPanelsAtOnce = 1;
constexpr int kStreams = 1;  // panels at once for a few rows
constexpr int kTileQuantized = 4;
constexpr int kTileHalves = 2;  // of formats with two halves
constexpr int kTileFloats = 3;
constexpr int kTileAttention = 4;
constexpr int kAttentionChains = 6;  // sums that attention keeps at once
constexpr const char* kIsaName = "avx2";
constexpr int kWeight8Offset = 0;  // stored signed; Dot8 moves the sign to the activations

struct F {
  __m256 lo, hi;
};
struct I {
  __m256i lo, hi;
};
using B = I;

inline F Zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
inline F Set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline F Load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void Store(float* p, F x) {
  _mm256_storeu_ps(p, x.lo);
  _mm256_storeu_ps(p + 8, x.hi);
}
inline F Add(F a, F b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
inline F Sub(F a, F b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
inline F Mul(F a, F b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
inline F Div(F a, F b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
inline F Fma(F a, F b, F c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
inline F Max(F a, F b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
inline F Min(F a, F b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
inline F Abs(F a) {
  const __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  return {_mm256_and_ps(a.lo, mask), _mm256_and_ps(a.hi, mask)};
}
inline float Sum(F a) {
  const __m256 x = _mm256_add_ps(a.lo, a.hi);
  __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  y = _mm_add_ps(y, _mm_movehl_ps(y, y));
  return _mm_cvtss_f32(_mm_add_ss(y, _mm_movehdup_ps(y)));
}
inline float Top(F a) {
  const __m256 x = _mm256_max_ps(a.lo, a.hi);
  __m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  y = _mm_max_ps(y, _mm_movehl_ps(y, y));
  return _mm_cvtss_f32(_mm_max_ss(y, _mm_movehdup_ps(y)));
}
inline F RoundToInt(F a) {
  constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(a.lo, kNearest), _mm256_round_ps(a.hi, kNearest)};
}
// Powers below the smallest normal number become zero.
inline __m256 Power2(__m256 n) {
  const __m256 clamped = _mm256_max_ps(n, _mm256_set1_ps(-127.0f));
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(clamped), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}
inline F Scale2(F a, F n) {
  return {_mm256_mul_ps(a.lo, Power2(n.lo)), _mm256_mul_ps(a.hi, Power2(n.hi))};
}
inline F FirstLanes(int n, F x, F y) {
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256 lo = _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), index));
  const __m256 hi = _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n - 8), index));
  return {_mm256_blendv_ps(y.lo, x.lo, lo), _mm256_blendv_ps(y.hi, x.hi, hi)};
}

inline __m128i Load128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline F FromHalf(const uint16_t* p) {
  return {_mm256_cvtph_ps(Load128(p)), _mm256_cvtph_ps(Load128(p + 8))};
}
inline void ToHalf(uint16_t* p, F x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x.lo, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8),
                   _mm256_cvtps_ph(x.hi, _MM_FROUND_TO_NEAREST_INT));
}
inline F FromBf16(const uint16_t* p) {
  const auto half = [](const uint16_t* q) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(Load128(q)), 16));
  };
  return {half(p), half(p + 8)};
}

template <int kBits>
inline I ShiftRight(I x) {
  return {_mm256_srai_epi32(x.lo, kBits), _mm256_srai_epi32(x.hi, kBits)};
}
template <int kBits>
inline I ShiftLeft(I x) {
  return {_mm256_slli_epi32(x.lo, kBits), _mm256_slli_epi32(x.hi, kBits)};
}
inline I SetInt(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
inline F ToFloat(I x) { return {_mm256_cvtepi32_ps(x.lo), _mm256_cvtepi32_ps(x.hi)}; }
inline I AddInt(I a, I b) { return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)}; }
inline int32_t SumInt(I x) {
  const __m256i y = _mm256_add_epi32(x.lo, x.hi);
  __m128i z = _mm_add_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
  z = _mm_add_epi32(z, _mm_shuffle_epi32(z, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(z, _mm_shuffle_epi32(z, 0xb1)));
}
inline I RoundToBytes(int8_t* p, F x) {
  const I whole = {_mm256_cvtps_epi32(x.lo), _mm256_cvtps_epi32(x.hi)};
  const __m256i words =
      _mm256_permute4x64_epi64(_mm256_packs_epi32(whole.lo, whole.hi), _MM_SHUFFLE(3, 1, 2, 0));
  _mm_storeu_si128(
      reinterpret_cast<__m128i*>(p),
      _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  return whole;
}

inline B LoadBytes(const uint8_t* p) {
  const auto* q = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(q), _mm256_loadu_si256(q + 1)};
}
inline void StoreBytes(uint8_t* p, B x) {
  auto* q = reinterpret_cast<__m256i*>(p);
  _mm256_storeu_si256(q, x.lo);
  _mm256_storeu_si256(q + 1, x.hi);
}
inline B LowNibbles(B x) {
  const __m256i mask = _mm256_set1_epi8(15);
  return {_mm256_and_si256(x.lo, mask), _mm256_and_si256(x.hi, mask)};
}
inline B HighNibbles(B x) {
  return LowNibbles({_mm256_srli_epi16(x.lo, 4), _mm256_srli_epi16(x.hi, 4)});
}
using A = __m256i;
inline A Four(const int8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, 4);
  return _mm256_set1_epi32(word);
}
inline __m256i DotHalf(__m256i acc, __m256i magnitude, __m256i activations) {
  const __m256i pairs = _mm256_maddubs_epi16(magnitude, activations);
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
inline I Dot7(I acc, B weights, A a) {
  return {DotHalf(acc.lo, weights.lo, a), DotHalf(acc.hi, weights.hi, a)};
}
// maddubs saturates at 16 bits: |w| <= 128 and |a| <= 127 give at most 2 * 128 * 127 = 32512.
inline I Dot8(I acc, B weights, A a) {
  return {DotHalf(acc.lo, _mm256_abs_epi8(weights.lo), _mm256_sign_epi8(a, weights.lo)),
          DotHalf(acc.hi, _mm256_abs_epi8(weights.hi), _mm256_sign_epi8(a, weights.hi))};
}

inline F ZeroWhereHidden(F score, F x) {
  const __m256 hidden = _mm256_set1_ps(-__builtin_inff());
  return {_mm256_and_ps(x.lo, _mm256_cmp_ps(score.lo, hidden, _CMP_GT_OQ)),
          _mm256_and_ps(x.hi, _mm256_cmp_ps(score.hi, hidden, _CMP_GT_OQ))};
}

inline F FromBytes(const uint8_t* p) {
  const auto half = [](const uint8_t* q) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(q))));
  };
  return {half(p), half(p + 8)};
}
inline F FromSignedBytes(const uint8_t* p) {
  const auto half = [](const uint8_t* q) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(q))));
  };
  return {half(p), half(p + 8)};
}
// 32 bits as 32 bytes: each byte is fetched beside its bit's place, and compared.
inline __m256i AddWhereHalf(__m256i x, const uint8_t* bits, int value) {
  int32_t word;
  __builtin_memcpy(&word, bits, 4);
  const __m256i place =
      _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i bit = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201u));
  const __m256i spread = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(word), place), bit);
  const __m256i added =
      _mm256_and_si256(_mm256_cmpeq_epi8(spread, bit), _mm256_set1_epi8(static_cast<char>(value)));
  return _mm256_add_epi8(x, added);
}
inline B AddWhere(B x, const uint8_t* bits, int value) {
  return {AddWhereHalf(x.lo, bits, value), AddWhereHalf(x.hi, bits + 4, value)};
}

// x | (bits 2 kField and 2 kField + 1 of each byte of fields) << 4
template <int kField>
inline __m256i AddPairHalf(__m256i x, __m256i fields) {
  constexpr int kShift = 4 - 2 * kField;
  if constexpr (kShift > 0) fields = _mm256_slli_epi16(fields, kShift);
  if constexpr (kShift < 0) fields = _mm256_srli_epi16(fields, -kShift);
  return _mm256_or_si256(x, _mm256_and_si256(fields, _mm256_set1_epi8(0x30)));
}
template <int kField>
inline B AddPair(B x, B fields) {
  return {AddPairHalf<kField>(x.lo, fields.lo), AddPairHalf<kField>(x.hi, fields.hi)};
}

}  // namespace hearth::model::cpu::avx2
