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

namespace hearth::model::cpu::HEARTH_ISA {
namespace {

constexpr float kInfinity = __builtin_inff();

inline size_t Least(size_t a, size_t b) { return a < b ? a : b; }
inline uint16_t LoadU16(const uint8_t* p) {
  uint16_t v;
  __builtin_memcpy(&v, p, 2);
  return v;
}
inline const uint16_t* AsHalves(const uint8_t* p) { return reinterpret_cast<const uint16_t*>(p); }

// e^x to about 1 part in 10^7, after Cody & Waite: x = n ln 2 + r, a polynomial for e^r.
inline F Exp(F x) {
  x = Min(Max(x, Set(-87.3f)), Set(88.0f));
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

// Of the sum of squares of the blocks' largest values, what blocks with one plane may hold.
constexpr float kCoarseShare = 0.5f;
// Blocks whose square is above one of these multiples of the mean have two planes: the first
// multiple that leaves no more than kCoarseShare.
constexpr float kFineAbove[] = {4.0f, 3.0f, 2.0f, 1.5f, 1.25f, 1.0f, 0.75f, 0.5f, 0.0f};

// The largest value that a block of one plane may have. `tops` are the blocks' largest values.
float LargestCoarse(const float* tops, size_t n) {
  float top = 0;
  for (size_t b = 0; b < n; ++b) top = tops[b] > top ? tops[b] : top;
  if (top == 0) return 0;
  const float inverse = 1.0f / top;  // ratios: squares of the values might overflow
  const auto square = [&](size_t b) { return (tops[b] * inverse) * (tops[b] * inverse); };
  float all = 0;
  for (size_t b = 0; b < n; ++b) all += square(b);
  for (const float multiple : kFineAbove) {
    const float limit = multiple * all / static_cast<float>(n);
    float coarse = 0;
    for (size_t b = 0; b < n; ++b) coarse += square(b) <= limit ? square(b) : 0.0f;
    if (coarse <= kCoarseShare * all) return top * __builtin_sqrtf(limit);
  }
  return 0;
}

void Quantize(const float* x, const Activations& row) {
  const size_t blocks = row.cols / kQuantBlock;
  for (size_t b = 0; b < blocks; ++b) {
    const float* values = x + b * kQuantBlock;
    row.scales[b] = Top(Max(Abs(Load(values)), Abs(Load(values + 16))));
  }
  const float largest_coarse = LargestCoarse(row.scales, blocks);
  int8_t* planes = row.planes;
  for (size_t b = 0; b < blocks; ++b, x += kQuantBlock, planes += 2 * kQuantBlock) {
    const bool fine = row.scales[b] > largest_coarse;
    const float scale = row.scales[b] / 127.0f;
    // A block so small that the inverse would overflow counts as zero.
    const F inverse = Set(scale > 1e-34f ? 1.0f / scale : 0.0f);
    const F first = Mul(Load(x), inverse);
    const F second = Mul(Load(x + 16), inverse);
    Activations::Offsets& offsets = row.offsets[b];
    const auto round = [](F values, int8_t* plane) { return SumInt(RoundToBytes(plane, values)); };
    const int32_t high_first = round(first, planes);
    const int32_t high = high_first + round(second, planes + 16);
    offsets = {.high = -128 * high, .high_first = -128 * high_first};
    row.sums[b] = scale * static_cast<float>(high);
    row.scales[b] = scale;
    row.has_low[b * row.low_stride] = fine;
    int8_t* low_plane = planes + kQuantBlock;
    if (!fine) {
      __builtin_memset(low_plane, 0, kQuantBlock);
      continue;
    }
    const auto rest = [](F values) { return Mul(Sub(values, RoundToInt(values)), Set(128.0f)); };
    const int32_t low_first = round(rest(first), low_plane);
    const int32_t low = low_first + round(rest(second), low_plane + 16);
    offsets.low = -128 * low;
    offsets.low_first = -128 * low_first;
    row.sums[b] = scale * (static_cast<float>(high) + static_cast<float>(low) * (1.0f / 128.0f));
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

// ---------------------------------------------------------------------------------------------------
// Attention.

struct Kv32 {
  static constexpr size_t kBytes = 4;
  static F Read(const uint8_t* p, size_t i) { return Load(reinterpret_cast<const float*>(p) + i); }
};
struct Kv16 {
  static constexpr size_t kBytes = 2;
  static F Read(const uint8_t* p, size_t i) { return FromHalf(AsHalves(p) + i); }
};

void StoreKv(KvElement element, const float* key, const float* value, size_t head_dim, size_t slot,
             uint8_t* keys, uint8_t* values) {
  constexpr size_t kSlots = 16;
  if (element == KvElement::kF32) {
    auto* k = reinterpret_cast<float*>(keys);
    for (size_t i = 0; i < head_dim; ++i) k[i * kSlots + slot] = key[i];
    __builtin_memcpy(values + slot * head_dim * 4, value, head_dim * 4);
    return;
  }
  auto* k = reinterpret_cast<uint16_t*>(keys);
  auto* v = reinterpret_cast<uint16_t*>(values) + slot * head_dim;
  for (size_t i = 0; i < head_dim; i += 16) {
    uint16_t halves[16];
    ToHalf(halves, Load(key + i));
    for (size_t j = 0; j < 16; ++j) k[(i + j) * kSlots + slot] = halves[j];
    ToHalf(v + i, Load(value + i));
  }
}

// Scores of kRows query rows over kBlocks blocks of 16 positions, hidden ones -infinity. Several
// blocks at once: the sum over a head's elements is a chain, and one chain would wait for itself.
template <typename Kv, int kRows, int kBlocks>
inline void Score(const AttentionChunk& chunk, const QueryRow* rows, uint32_t at,
                  float (*weights)[kChunkPositions]) {
  F scores[kRows * kBlocks];
  for (F& score : scores) score = Zero();
  const uint8_t* const* keys = chunk.keys + at / 16;
  const uint8_t* const* values = chunk.values + at / 16;
  constexpr size_t kEach = 4 / Kv::kBytes;  // elements of 16 positions in a line of the cache
  for (size_t i = 0; i < chunk.head_dim; ++i) {
    if (kRows <= kUnhidden && i % kEach == 0) {
      for (int b = 0; b < kBlocks; ++b) __builtin_prefetch(values[b] + i * 16 * Kv::kBytes);
    }
    F key[kBlocks];
    for (int b = 0; b < kBlocks; ++b) key[b] = Kv::Read(keys[b], i * 16);
    for (int r = 0; r < kRows; ++r) {
      const F query = Set(rows[r].query[i]);
      for (int b = 0; b < kBlocks; ++b) {
        scores[r * kBlocks + b] = Fma(key[b], query, scores[r * kBlocks + b]);
      }
    }
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
    const uint8_t* values = chunk.values[p / 16];
    const size_t first = (p % 16) * chunk.head_dim + at;
    if (fetches) {
      const uint8_t* next = chunk.next_keys[p / 16] + first * Kv::kBytes;
      for (size_t line = 0; line < kSlices * 16 * Kv::kBytes; line += 64) {
        __builtin_prefetch(next + line);
      }
    }
    F value[kSlices];
    for (size_t v = 0; v < kSlices; ++v) value[v] = Kv::Read(values, first + 16 * v);
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
  if (chunk.element == KvElement::kF32) {
    AttendAll<Kv32>(AllTiles{}, chunk, rows, n_rows, states);
  } else {
    AttendAll<Kv16>(AllTiles{}, chunk, rows, n_rows, states);
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
    .quantize = &HEARTH_ISA::Quantize,
    .rms_norm = &HEARTH_ISA::RmsNorm,
    .gate_silu = &HEARTH_ISA::GateSilu,
    .gate_gelu = &HEARTH_ISA::GateGelu,
    .store_kv = &HEARTH_ISA::StoreKv,
    .attend = &HEARTH_ISA::Attend,
    .merge = &HEARTH_ISA::Merge,
};

}  // namespace hearth::model::cpu
