// The SIMD vocabulary of the kernels, for AVX-512 (F, BW, VL, DQ, VNNI). Included by one kernel
// file alone, inside its namespace; simd_avx2.h and simd_scalar.h say the same words.
//   F: 16 floats.  I: 16 int32.  B: 64 bytes, four for each lane of an I.
#pragma once

#include <immintrin.h>

namespace hearth::model::cpu::avx512 {

// Panels of weights and rows of activations (or queries) that a kernel takes at once: what fits the
// registers, or nearly so (sums of eight rows of two panels go to the first cache and back).
constexpr int kPanelsAtOnce = 2;
constexpr int kStreams = 4;  // panels at once for a few rows
constexpr int kTileQuantized = 8;
constexpr int kTileHalves = 3;  // of formats with two halves
constexpr int kTileFloats = 6;
constexpr int kTileAttention = 8;
constexpr int kAttentionChains = 16;  // sums that attention keeps at once
constexpr const char* kIsaName = "avx512";
// How weights of 8 bits are stored: dpbusd multiplies unsigned by signed, so they carry + 128, and
// -128 times the sum of the activations is added to their dot products.
constexpr int kWeight8Offset = 128;

using F = __m512;
using I = __m512i;
using B = __m512i;

inline F Zero() { return _mm512_setzero_ps(); }
inline F Set(float x) { return _mm512_set1_ps(x); }
inline F Load(const float* p) { return _mm512_loadu_ps(p); }
inline void Store(float* p, F x) { _mm512_storeu_ps(p, x); }
inline F Add(F a, F b) { return _mm512_add_ps(a, b); }
inline F Sub(F a, F b) { return _mm512_sub_ps(a, b); }
inline F Mul(F a, F b) { return _mm512_mul_ps(a, b); }
inline F Div(F a, F b) { return _mm512_div_ps(a, b); }
inline F Fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
inline F Max(F a, F b) { return _mm512_max_ps(a, b); }
inline F Min(F a, F b) { return _mm512_min_ps(a, b); }
inline F Abs(F a) { return _mm512_abs_ps(a); }
inline float Sum(F a) { return _mm512_reduce_add_ps(a); }
inline float Top(F a) { return _mm512_reduce_max_ps(a); }
inline F RoundToInt(F a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// a * 2^n for whole n.
inline F Scale2(F a, F n) { return _mm512_scalef_ps(a, n); }
// x where lane index < n, otherwise y.
inline F FirstLanes(int n, F x, F y) {
  const unsigned mask = n >= 16 ? 0xffffu : n <= 0 ? 0u : (1u << n) - 1u;
  return _mm512_mask_mov_ps(y, static_cast<__mmask16>(mask), x);
}

inline F FromHalf(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline void ToHalf(uint16_t* p, F x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
inline F FromBf16(const uint16_t* p) {
  const __m512i wide =
      _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

template <int kBits>
inline I ShiftRight(I x) {
  return _mm512_srai_epi32(x, kBits);
}
template <int kBits>
inline I ShiftLeft(I x) {
  return _mm512_slli_epi32(x, kBits);
}
inline I SetInt(int32_t x) { return _mm512_set1_epi32(x); }
inline F ToFloat(I x) { return _mm512_cvtepi32_ps(x); }
inline int32_t SumInt(I x) { return _mm512_reduce_add_epi32(x); }
// Rounds to nearest even and stores 16 signed bytes; gives the whole numbers back.
inline I RoundToBytes(int8_t* p, F x) {
  const __m512i whole = _mm512_cvtps_epi32(x);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(whole));
  return whole;
}
inline I AddInt(I a, I b) { return _mm512_add_epi32(a, b); }

inline B LoadBytes(const uint8_t* p) { return _mm512_loadu_si512(p); }
inline void StoreBytes(uint8_t* p, B x) { _mm512_storeu_si512(p, x); }
inline B LowNibbles(B x) { return _mm512_and_si512(x, _mm512_set1_epi8(15)); }
inline B HighNibbles(B x) {
  return _mm512_and_si512(_mm512_srli_epi16(x, 4), _mm512_set1_epi8(15));
}
// Four activations, for every lane.
using A = __m512i;
inline A Four(const int8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, 4);
  return _mm512_set1_epi32(word);
}
// acc + the dot product of each lane's four weights (0 to 127) with the four activations.
inline I Dot7(I acc, B weights, A four) { return _mm512_dpbusd_epi32(acc, weights, four); }
// The same for weights of 8 bits as they are stored (kWeight8Offset).
inline I Dot8(I acc, B weights, A four) { return _mm512_dpbusd_epi32(acc, weights, four); }

// x, but 0 where score is -infinity.
inline F ZeroWhereHidden(F score, F x) {
  const __mmask16 seen = _mm512_cmp_ps_mask(score, Set(-__builtin_inff()), _CMP_GT_OQ);
  return _mm512_maskz_mov_ps(seen, x);
}

// 16 bytes as floats.
inline F FromBytes(const uint8_t* p) {
  return _mm512_cvtepi32_ps(
      _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline F FromSignedBytes(const uint8_t* p) {
  return _mm512_cvtepi32_ps(
      _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
// x with `value` added to byte i where bit i of the 8 bytes at `bits` is set.
inline B AddWhere(B x, const uint8_t* bits, int value) {
  uint64_t mask;
  __builtin_memcpy(&mask, bits, 8);
  return _mm512_mask_add_epi8(x, mask, x, _mm512_set1_epi8(static_cast<char>(value)));
}

// x | (bits 2 kField and 2 kField + 1 of each byte of fields) << 4
template <int kField>
inline B AddPair(B x, B fields) {
  constexpr int kShift = 4 - 2 * kField;
  if constexpr (kShift > 0) fields = _mm512_slli_epi16(fields, kShift);
  if constexpr (kShift < 0) fields = _mm512_srli_epi16(fields, -kShift);
  constexpr int kFirstOrBothOthers = 0xf8;
  return _mm512_ternarylogic_epi32(x, fields, _mm512_set1_epi8(0x30), kFirstOrBothOthers);
}

}  // namespace hearth::model::cpu::avx512
