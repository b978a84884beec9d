// The CPU kernels, over the SIMD vocabulary that HEARTH_ISA names. Each kernels_*.cpp includes its
// simd_*.h, defines HEARTH_ISA and HEARTH_TABLE and includes this file, which therefore has no
// guard.
//
// No kernel uses a library template: an instance compiled for AVX-512 could be the one that the
// linker keeps for the whole program.
//
// Every result is the same bit by bit however a batch is cut: sums run in one order, over the
// columns of a row (products) or over the positions of a chunk (attention), whatever else is
// computed beside them.

// Sums of products stay in registers only where all of a block's work is in one function.
#define HEARTH_INLINE [[gnu::always_inline]] inline

namespace hearth::model::cpu::HEARTH_ISA {
namespace {

constexpr float kInfinity = __builtin_inff();

inline size_t Least(size_t a, size_t b) { return a < b ? a : b; }
inline uint16_t LoadU16(const uint8_t* p) {
  uint16_t v;
  __builtin_memcpy(&v, p, 2);
  return v;
}
inline uint32_t LoadU32(const uint8_t* p) {
  uint32_t v;
  __builtin_memcpy(&v, p, 4);
  return v;
}
inline const uint16_t* AsHalves(const uint8_t* p) { return reinterpret_cast<const uint16_t*>(p); }

// e^x to about 1 part in 10^7, after Cody & Waite: x = n ln 2 + r, a polynomial for e^r.
inline F Exp(F x) {
  x = Min(Set(88.0f), Max(Set(-87.3f), x));  // NaN, as second argument, stays
  const F n = RoundToInt(Mul(x, Set(1.44269504088896341f)));
  F r = Fma(n, Set(-0.693359375f), x);
  r = Fma(n, Set(2.12194440e-4f), r);
  F p = Set(1.9875691500e-4f);
  p = Fma(p, r, Set(1.3981999507e-3f));
  p = Fma(p, r, Set(8.3334519073e-3f));
  p = Fma(p, r, Set(4.1665795894e-2f));
  p = Fma(p, r, Set(1.6666665459e-1f));
  p = Fma(p, r, Set(5.0000001201e-1f));
  p = Fma(Mul(p, r), r, Add(r, Set(1.0f)));
  return Scale2(p, n);
}

#include "model/backend/cpu/formats_impl.h"
#include "model/backend/cpu/multiply_impl.h"

// ---------------------------------------------------------------------------------------------------
// Element-wise kernels.

// The largest scale that a coarse block of a row may have.
float LargestCoarse(const Activations& row, float fine_above) {
  const size_t n = row.n_blocks();
  float top = 0;
  for (size_t b = 0; b < n; ++b) top = row.blocks[b].scale > top ? row.blocks[b].scale : top;
  if (top == 0) return 0;
  const float inverse = 1.0f / top;  // ratios: squares of the values might overflow
  float squares = 0;
  for (size_t b = 0; b < n; ++b) {
    const float ratio = row.blocks[b].scale * inverse;
    squares += ratio * ratio;
  }
  return top * __builtin_sqrtf(fine_above * squares / static_cast<float>(n));
}

// What scales a block's values to their levels. A block so small that its products would not be
// normal numbers counts as zero.
F InverseOfScale(float scale) { return Set(scale > 1e-28f ? 1.0f / scale : 0.0f); }

// A row that is not finite gives products that are not, rather than plausible ones.
void QuantizeWrong(const Activations& row) {
  __builtin_memset(row.fine_blocks, 0, row.words() * sizeof(row.fine_blocks[0]));
  for (size_t b = 0; b < row.n_blocks(); ++b) {
    row.blocks[b] = {};
    row.blocks[b].scale = __builtin_nanf("");
    row.blocks[b].sum = __builtin_nanf("");
  }
}

void Quantize(const float* x, float fine_above, const Activations& row) {
  constexpr int32_t kSteps = 1 << kPlaneBits;
  const size_t n = row.n_blocks();
  F wrong = Zero();  // NaN where one of the values is not finite
  for (size_t b = 0; b < n; ++b) {
    const F first = Load(x + b * kQuantBlock);
    const F second = Load(x + b * kQuantBlock + 16);
    row.blocks[b].scale = Top(Max(Abs(first), Abs(second))) / 127.0f;
    wrong = Fma(first, Zero(), Fma(second, Zero(), wrong));
  }
  if (Sum(wrong) != 0.0f) return QuantizeWrong(row);
  const float largest_coarse = LargestCoarse(row, fine_above);
  __builtin_memset(row.fine_blocks, 0, row.words() * sizeof(row.fine_blocks[0]));
  for (size_t b = 0; b < n; ++b, x += kQuantBlock) {
    QuantBlock& block = row.blocks[b];
    const bool fine = block.scale > largest_coarse;
    const F inverse = InverseOfScale(block.scale);
    const F first = Mul(Load(x), inverse);
    const F second = Mul(Load(x + 16), inverse);
    const auto round = [](F values, int8_t* plane) { return SumInt(RoundToBytes(plane, values)); };
    const int32_t high_first = round(first, block.high);
    const int32_t high = high_first + round(second, block.high + 16);
    int32_t low_first = 0;
    int32_t low = 0;
    if (fine) {
      const auto rest = [](F v) { return Mul(Sub(v, RoundToInt(v)), Set(kSteps)); };
      low_first = round(rest(first), block.low);
      low = low_first + round(rest(second), block.low + 16);
      row.fine_blocks[b / 64] |= uint64_t{1} << (b % 64);
    } else {
      __builtin_memset(block.low, 0, sizeof(block.low));
    }
    block.high_offset = {-128 * high, -128 * high_first};
    block.fine_offset = {-128 * (kSteps * high + low), -128 * (kSteps * high_first + low_first)};
    block.sum = block.scale * (static_cast<float>(high) + static_cast<float>(low) / kSteps);
  }
}

void RmsNorm(const float* x, const float* weight, size_t n, float epsilon, float* out) {
  F squares = Zero();
  for (size_t i = 0; i < n; i += 16) {
    const F v = Load(x + i);
    squares = Fma(v, v, squares);
  }
  const F scale = Set(1.0f / __builtin_sqrtf(Sum(squares) / static_cast<float>(n) + epsilon));
  for (size_t i = 0; i < n; i += 16) Store(out + i, Mul(Mul(Load(x + i), scale), Load(weight + i)));
}

void GateSilu(const float* gate, const float* up, size_t n, float* out) {
  for (size_t i = 0; i < n; i += 16) {
    const F x = Load(gate + i);
    const F activated = Div(x, Add(Set(1.0f), Exp(Sub(Zero(), x))));
    Store(out + i, Mul(activated, Load(up + i)));
  }
}

// 0.5 x (1 + tanh(u)) = x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3)
void GateGelu(const float* gate, const float* up, size_t n, float* out) {
  for (size_t i = 0; i < n; i += 16) {
    const F x = Load(gate + i);
    const F inner = Fma(Mul(Mul(x, x), Set(0.044715f)), x, x);
    const F e = Exp(Mul(inner, Set(-2.0f * 0.79788456080286535588f)));
    Store(out + i, Mul(Div(x, Add(Set(1.0f), e)), Load(up + i)));
  }
}

// cap tanh(x / cap), tanh(u) = 1 - 2 / (1 + e^2u)
inline F Bounded(F x, float cap) {
  const F e = Exp(Mul(x, Set(2.0f / cap)));
  return Fma(Set(-2.0f * cap), Div(Set(1.0f), Add(Set(1.0f), e)), Set(cap));
}

void Softcap(float* x, size_t n, float cap) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) Store(x + i, Bounded(Load(x + i), cap));
  float rest[16] = {};
  __builtin_memcpy(rest, x + i, (n - i) * sizeof(float));
  Store(rest, Bounded(Load(rest), cap));
  __builtin_memcpy(x + i, rest, (n - i) * sizeof(float));
}

// ---------------------------------------------------------------------------------------------------
// Attention.

// How keys and values are stored: kBytes of an element, Read of 16 elements. Where kScaled, what
// Read gives is to be multiplied by a scale for each kKvQuantBlock elements.
struct Kv32 {
  static constexpr size_t kBytes = 4;
  static constexpr bool kScaled = false;
  static F Read(const uint8_t* p) { return Load(reinterpret_cast<const float*>(p)); }
};
struct Kv16 {
  static constexpr size_t kBytes = 2;
  static constexpr bool kScaled = false;
  static F Read(const uint8_t* p) { return FromHalf(AsHalves(p)); }
};
struct KvBrain16 {
  static constexpr size_t kBytes = 2;
  static constexpr bool kScaled = false;
  static F Read(const uint8_t* p) { return FromBf16(AsHalves(p)); }
};
struct Kv8 {
  static constexpr size_t kBytes = 1;
  static constexpr bool kScaled = true;
  static F Read(const uint8_t* p) { return FromSignedBytes(p); }
};

constexpr size_t kSlots = 16;  // positions of a block
// So many query rows do not hide the reading.
constexpr int kUnhidden = 4;

// The scales behind a head's keys (or values) of kQ8_0.
inline const float* KvScales(const uint8_t* elements, size_t head_dim) {
  return reinterpret_cast<const float*>(elements + kSlots * head_dim);
}
inline float* KvScales(uint8_t* elements, size_t head_dim) {
  return reinterpret_cast<float*>(elements + kSlots * head_dim);
}

void StoreKv32(const float* key, const float* value, size_t head_dim, size_t slot, uint8_t* keys,
               uint8_t* values) {
  auto* k = reinterpret_cast<float*>(keys);
  for (size_t i = 0; i < head_dim; ++i) k[i * kSlots + slot] = key[i];
  __builtin_memcpy(values + slot * head_dim * 4, value, head_dim * 4);
}

template <typename To16>
void StoreKv16(const float* key, const float* value, size_t head_dim, size_t slot, uint8_t* keys,
               uint8_t* values, To16 convert) {
  auto* k = reinterpret_cast<uint16_t*>(keys);
  auto* v = reinterpret_cast<uint16_t*>(values) + slot * head_dim;
  for (size_t i = 0; i < head_dim; i += 16) {
    uint16_t halves[16];
    convert(halves, key + i);
    for (size_t j = 0; j < 16; ++j) k[(i + j) * kSlots + slot] = halves[j];
    convert(v + i, value + i);
  }
}

// 32 elements as signed bytes; gives their scale.
float RoundBlock(const float* x, int8_t* bytes) {
  const F first = Load(x);
  const F second = Load(x + 16);
  if (Sum(Fma(first, Zero(), Mul(second, Zero()))) != 0.0f) {  // not all are finite
    __builtin_memset(bytes, 0, kKvQuantBlock);
    return __builtin_nanf("");
  }
  const float scale = Top(Max(Abs(first), Abs(second))) / 127.0f;
  const F inverse = InverseOfScale(scale);
  RoundToBytes(bytes, Mul(first, inverse));
  RoundToBytes(bytes + 16, Mul(second, inverse));
  return scale;
}

void StoreKv8(const float* key, const float* value, size_t head_dim, size_t slot, uint8_t* keys,
              uint8_t* values) {
  const size_t groups = head_dim / kKvQuantBlock;
  float* key_scales = KvScales(keys, head_dim);
  float* value_scales = KvScales(values, head_dim) + slot * groups;
  for (size_t g = 0; g < groups; ++g) {
    const size_t at = g * kKvQuantBlock;
    int8_t bytes[kKvQuantBlock];
    key_scales[g * kSlots + slot] = RoundBlock(key + at, bytes);
    for (size_t j = 0; j < kKvQuantBlock; ++j) {
      keys[(at + j) * kSlots + slot] = static_cast<uint8_t>(bytes[j]);
    }
    value_scales[g] = RoundBlock(value + at, bytes);
    __builtin_memcpy(values + slot * head_dim + at, bytes, kKvQuantBlock);
  }
}

void StoreKv(KvType type, const float* key, const float* value, size_t head_dim, size_t slot,
             uint8_t* keys, uint8_t* values) {
  switch (type) {
    case KvType::kF32:
      return StoreKv32(key, value, head_dim, slot, keys, values);
    case KvType::kF16:
      return StoreKv16(key, value, head_dim, slot, keys, values,
                       [](uint16_t* to, const float* from) {
                         constexpr float kLargest = 65504;  // more would be infinite
                         ToHalf(to, Min(Set(kLargest), Max(Set(-kLargest), Load(from))));
                       });
    case KvType::kBF16:
      return StoreKv16(key, value, head_dim, slot, keys, values,
                       [](uint16_t* to, const float* from) {
                         for (size_t i = 0; i < 16; ++i) to[i] = FloatToBf16(from[i]);
                       });
    case KvType::kQ8_0:
      return StoreKv8(key, value, head_dim, slot, keys, values);
    case KvType::kF8E4M3:
      break;  // CpuKv::Create makes none
  }
}

// Scores of kRows query rows over kBlocks blocks of 16 positions, hidden ones -infinity. Several
// blocks at once: the sum over a head's elements is a chain, and one chain would wait for itself.
template <typename Kv, int kRows, int kBlocks>
inline void Score(const AttentionChunk& chunk, const QueryRow* rows, uint32_t at,
                  float (*weights)[kChunkPositions]) {
  F scores[kRows * kBlocks];
  for (F& score : scores) score = Zero();
  const uint8_t* const* keys = chunk.keys + at / kSlots;
  const uint8_t* const* values = chunk.values + at / kSlots;
  constexpr size_t kEach = 4 / Kv::kBytes;  // elements of 16 positions in a line of the cache
  const size_t group = Kv::kScaled ? kKvQuantBlock : chunk.head_dim;
  for (size_t first = 0; first < chunk.head_dim; first += group) {
    F sums[kRows * kBlocks];
    for (F& sum : sums) sum = Zero();
    for (size_t i = first; i < first + group; ++i) {
      if (kRows <= kUnhidden && i % kEach == 0) {
        for (int b = 0; b < kBlocks; ++b) __builtin_prefetch(values[b] + i * kSlots * Kv::kBytes);
      }
      F key[kBlocks];
      for (int b = 0; b < kBlocks; ++b) key[b] = Kv::Read(keys[b] + i * kSlots * Kv::kBytes);
      for (int r = 0; r < kRows; ++r) {
        const F query = Set(rows[r].query[i]);
        for (int b = 0; b < kBlocks; ++b) {
          sums[r * kBlocks + b] = Fma(key[b], query, sums[r * kBlocks + b]);
        }
      }
    }
    for (int b = 0; b < kBlocks; ++b) {
      F scale = Set(1.0f);
      if constexpr (Kv::kScaled) {
        scale = Load(KvScales(keys[b], chunk.head_dim) + first / kKvQuantBlock * kSlots);
      }
      for (int r = 0; r < kRows; ++r) {
        F& score = scores[r * kBlocks + b];
        score = Kv::kScaled ? Fma(sums[r * kBlocks + b], scale, score) : sums[r * kBlocks + b];
      }
    }
  }
  if (chunk.softcap != 0) {
    for (F& score : scores) score = Bounded(score, chunk.softcap);
  }
  const F hidden = Set(-kInfinity);
  for (int b = 0; b < kBlocks; ++b, at += 16) {
    const auto position = static_cast<int64_t>(chunk.begin + at);
    for (int r = 0; r < kRows; ++r) {
      F seen =
          FirstLanes(static_cast<int>(rows[r].to - position + 1), scores[r * kBlocks + b], hidden);
      seen = FirstLanes(static_cast<int>(rows[r].from - position), hidden, seen);
      Store(weights[r] + at, seen);
    }
  }
}

// kSlices times 16 elements of the sums of values, from element `at` on.
template <typename Kv, int kRows, int kSlices>
inline void Blend(const AttentionChunk& chunk, const float (*weights)[kChunkPositions], size_t at,
                  AttentionState* states) {
  const uint32_t length = chunk.end - chunk.begin;
  F sums[kRows * kSlices];
  for (F& sum : sums) sum = Zero();
  const bool fetches = kRows <= kUnhidden && chunk.next_keys != nullptr;
  for (uint32_t p = 0; p < length; ++p) {
    const uint8_t* values = chunk.values[p / kSlots];
    const size_t first = (p % kSlots) * chunk.head_dim + at;
    if (fetches) {
      const uint8_t* next = chunk.next_keys[p / kSlots] + first * Kv::kBytes;
      for (size_t line = 0; line < kSlices * 16 * Kv::kBytes; line += 64) {
        __builtin_prefetch(next + line);
      }
    }
    F value[kSlices];
    for (size_t v = 0; v < kSlices; ++v) {
      value[v] = Kv::Read(values + (first + 16 * v) * Kv::kBytes);
      if constexpr (Kv::kScaled) {
        const float* scales = KvScales(values, chunk.head_dim);
        value[v] = Mul(value[v], Set(scales[(first + 16 * v) / kKvQuantBlock]));
      }
    }
    for (int r = 0; r < kRows; ++r) {
      const F weight = Set(weights[r][p]);
      for (int v = 0; v < kSlices; ++v) {
        sums[r * kSlices + v] = Fma(value[v], weight, sums[r * kSlices + v]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kSlices; ++v) Store(states[r].values + at + 16 * v, sums[r * kSlices + v]);
  }
}

// kRows query rows share every key and value that is read.
template <typename Kv, int kRows>
void AttendRows(const AttentionChunk& chunk, const QueryRow* rows, AttentionState* states) {
  constexpr int kWide = kRows * 4 <= kAttentionChains ? 4 : kRows * 2 <= kAttentionChains ? 2 : 1;
  float weights[kRows][kChunkPositions];
  const uint32_t length = chunk.end - chunk.begin;
  uint32_t scored = 0;
  for (; scored + 16 * kWide < length + 16; scored += 16 * kWide) {
    Score<Kv, kRows, kWide>(chunk, rows, scored, weights);
  }
  for (; scored < length; scored += 16) Score<Kv, kRows, 1>(chunk, rows, scored, weights);
  for (int r = 0; r < kRows; ++r) {
    // A floor instead of -infinity keeps a row that sees nothing here free of NaN: its total is 0.
    F top = Set(-1e30f);
    for (uint32_t at = 0; at < length; at += 16) top = Max(top, Load(weights[r] + at));
    states[r].top = Top(top);
    F total = Zero();
    for (uint32_t at = 0; at < length; at += 16) {
      const F score = Load(weights[r] + at);
      const F e = Exp(Sub(score, Set(states[r].top)));
      // Exp stops at a smallest value; a hidden position must weigh exactly nothing.
      const F weight = ZeroWhereHidden(score, e);
      Store(weights[r] + at, weight);
      total = Add(total, weight);
    }
    states[r].total = Sum(total);
  }
  size_t at = 0;
  for (; at + 16 * kWide <= chunk.head_dim; at += 16 * kWide) {
    Blend<Kv, kRows, kWide>(chunk, weights, at, states);
  }
  for (; at < chunk.head_dim; at += 16) Blend<Kv, kRows, 1>(chunk, weights, at, states);
}

template <typename Kv, int... k>
void AttendAll(Tiles<k...>, const AttentionChunk& chunk, const QueryRow* rows, size_t n_rows,
               AttentionState* states) {
  using Product = void (*)(const AttentionChunk&, const QueryRow*, AttentionState*);
  static constexpr Product kProducts[] = {&AttendRows<Kv, k>...};
  for (size_t r = 0; r < n_rows;) {
    const size_t tile = Least(sizeof...(k), n_rows - r);
    kProducts[tile - 1](chunk, rows + r, states + r);
    r += tile;
  }
}

void Attend(const AttentionChunk& chunk, const QueryRow* rows, size_t n_rows,
            AttentionState* states) {
  using AllTiles = typename MakeTiles<kTileAttention>::Type;
  switch (chunk.type) {
    case KvType::kF32:
      return AttendAll<Kv32>(AllTiles{}, chunk, rows, n_rows, states);
    case KvType::kF16:
      return AttendAll<Kv16>(AllTiles{}, chunk, rows, n_rows, states);
    case KvType::kBF16:
      return AttendAll<KvBrain16>(AllTiles{}, chunk, rows, n_rows, states);
    case KvType::kQ8_0:
      return AttendAll<Kv8>(AllTiles{}, chunk, rows, n_rows, states);
    case KvType::kF8E4M3:
      break;
  }
}

void Merge(const AttentionState& part, size_t head_dim, AttentionState& into) {
  if (part.total == 0.0f) return;
  const float top = into.total == 0.0f || part.top > into.top ? part.top : into.top;
  float factors[16];
  Store(factors, Exp(Sub(Set(into.top), Set(top))));
  const F old_factor = Set(into.total == 0.0f ? 0.0f : factors[0]);
  Store(factors, Exp(Sub(Set(part.top), Set(top))));
  const F new_factor = Set(factors[0]);
  for (size_t i = 0; i < head_dim; i += 16) {
    const F kept = Mul(Load(into.values + i), old_factor);
    Store(into.values + i, Fma(Load(part.values + i), new_factor, kept));
  }
  Store(factors, Fma(Set(part.total), new_factor, Mul(Set(into.total), old_factor)));
  into.total = factors[0];
  into.top = top;
}

}  // namespace
}  // namespace hearth::model::cpu::HEARTH_ISA

namespace hearth::model::cpu {

const Kernels HEARTH_TABLE = {
    .name = HEARTH_ISA::kIsaName,
    .panel_bytes = &HEARTH_ISA::PanelBytes,
    .wants_quantized = &HEARTH_ISA::WantsQuantized,
    .pack_panel = &HEARTH_ISA::PackPanel,
    .read_row = &HEARTH_ISA::ReadRow,
    .multiply = &HEARTH_ISA::Multiply,
    .scratch_bytes = &HEARTH_ISA::ScratchBytes,
    .quantize = &HEARTH_ISA::Quantize,
    .rms_norm = &HEARTH_ISA::RmsNorm,
    .gate_silu = &HEARTH_ISA::GateSilu,
    .gate_gelu = &HEARTH_ISA::GateGelu,
    .softcap = &HEARTH_ISA::Softcap,
    .store_kv = &HEARTH_ISA::StoreKv,
    .attend = &HEARTH_ISA::Attend,
    .merge = &HEARTH_ISA::Merge,
};

}  // namespace hearth::model::cpu
