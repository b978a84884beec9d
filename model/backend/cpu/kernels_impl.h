// The CPU kernels, over the SIMD vocabulary that HEARTH_ISA names. Each kernels_*.cpp includes its
// simd_*.h, defines HEARTH_ISA and HEARTH_TABLE and includes this file, which therefore has no guard.
//
// No kernel uses a library template: an instance compiled for AVX-512 could be the one that the linker
// keeps for the whole program.
//
// Every result is the same bit by bit however a batch is cut: sums run in one order, over the columns of
// a row (products) or over the positions of a chunk (attention), whatever else is computed beside them.

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

// ---------------------------------------------------------------------------------------------------
// Weight formats. A quantized one unpacks a block of 32 columns of a panel into 8 groups of 4 columns:
// group g is the byte vector of columns 4g .. 4g + 3.

// Q4_0 and Q4_1 in the file: a scale (and a minimum), then 16 bytes; byte j holds column j below and
// column j + 16 above. In a panel: 4 vectors of bytes, 16 scales, 16 minima.
template <bool kHasMin>
struct Nibbles {
  static constexpr bool kMin = kHasMin;
  static constexpr bool kCorrected = !kHasMin;
  static constexpr size_t kFileHeader = kHasMin ? 4 : 2;
  static constexpr size_t kFileBytes = kFileHeader + 16;
  static constexpr size_t kScales = 256;
  static constexpr size_t kPanelBytes = kFileBytes * kPanelRows;

  static void Pack(const uint8_t* file, size_t row, uint8_t* panel) {
    for (size_t g = 0; g < 4; ++g) {
      __builtin_memcpy(panel + 64 * g + 4 * row, file + kFileHeader + 4 * g, 4);
    }
    __builtin_memcpy(panel + kScales + 2 * row, file, 2);
    if (kHasMin) __builtin_memcpy(panel + kScales + 32 + 2 * row, file + 2, 2);
  }
  static void Unpack(const uint8_t* panel, size_t row, float* out) {
    const float scale = HalfToFloat(LoadU16(panel + kScales + 2 * row));
    const float min = kHasMin ? HalfToFloat(LoadU16(panel + kScales + 32 + 2 * row)) : 0.0f;
    for (size_t j = 0; j < 16; ++j) {
      const uint8_t byte = panel[64 * (j / 4) + 4 * row + j % 4];
      if (kHasMin) {
        out[j] = static_cast<float>(byte & 15) * scale + min;
        out[j + 16] = static_cast<float>(byte >> 4) * scale + min;
      } else {
        out[j] = static_cast<float>((byte & 15) - 8) * scale;
        out[j + 16] = static_cast<float>((byte >> 4) - 8) * scale;
      }
    }
  }
  // What to add for weights that are stored with an offset: without a minimum 8 is taken off each.
  static int32_t Correction(int32_t offset) { return offset / 16; }
  // dots[t] += the panel's weights times 32 activation bytes at x[t].
  template <int kTile>
  static void Dot(const uint8_t* panel, const int8_t* const* x, I* dots) {
    for (int g = 0; g < 4; ++g) {
      const B both = LoadBytes(panel + 64 * g);
      const B low = LowNibbles(both);
      const B high = HighNibbles(both);
      for (int t = 0; t < kTile; ++t) {
        dots[t] = Dot7(dots[t], low, x[t] + 4 * g);
        dots[t] = Dot7(dots[t], high, x[t] + 16 + 4 * g);
      }
    }
  }
};

// Q8_0 in the file: a scale, then 32 bytes. In a panel: 8 vectors of bytes (+ kWeight8Offset), 16 scales.
struct Bytes {
  static constexpr bool kMin = false;
  static constexpr bool kCorrected = kWeight8Offset != 0;
  static constexpr size_t kFileBytes = 34;
  static constexpr size_t kScales = 512;
  static constexpr size_t kPanelBytes = kFileBytes * kPanelRows;

  static void Pack(const uint8_t* file, size_t row, uint8_t* panel) {
    for (size_t j = 0; j < 32; ++j) {
      panel[64 * (j / 4) + 4 * row + j % 4] = static_cast<uint8_t>(file[2 + j] + kWeight8Offset);
    }
    __builtin_memcpy(panel + kScales + 2 * row, file, 2);
  }
  static void Unpack(const uint8_t* panel, size_t row, float* out) {
    const float scale = HalfToFloat(LoadU16(panel + kScales + 2 * row));
    for (size_t j = 0; j < 32; ++j) {
      const auto byte =
          static_cast<int8_t>(panel[64 * (j / 4) + 4 * row + j % 4] - kWeight8Offset);
      out[j] = static_cast<float>(byte) * scale;
    }
  }
  static int32_t Correction(int32_t offset) { return offset; }
  template <int kTile>
  static void Dot(const uint8_t* panel, const int8_t* const* x, I* dots) {
    for (int g = 0; g < 8; ++g) {
      const B weights = LoadBytes(panel + 64 * g);
      for (int t = 0; t < kTile; ++t) dots[t] = Dot8(dots[t], weights, x[t] + 4 * g);
    }
  }
};

// F32, F16 and BF16: [cols][16] in a panel.
struct Floats32 {
  static constexpr size_t kElement = 4;
  static F Weights(const uint8_t* p) { return Load(reinterpret_cast<const float*>(p)); }
  static float One(const uint8_t* p) {
    float v;
    __builtin_memcpy(&v, p, 4);
    return v;
  }
};
struct Floats16 {
  static constexpr size_t kElement = 2;
  static F Weights(const uint8_t* p) { return FromHalf(AsHalves(p)); }
  static float One(const uint8_t* p) { return HalfToFloat(LoadU16(p)); }
};
struct BrainFloats16 {
  static constexpr size_t kElement = 2;
  static F Weights(const uint8_t* p) { return FromBf16(AsHalves(p)); }
  static float One(const uint8_t* p) { return Bf16ToFloat(LoadU16(p)); }
};

// ---------------------------------------------------------------------------------------------------
// Matrix products.

// dots[t] = the block's weights times the 32 whole numbers whose planes lie at x[t]. Few rows go through
// both planes together, so that weights are unpacked once; many would not fit the registers.
template <typename Format, int kTile>
inline void DotPlanes(const uint8_t* panel, const int8_t* const* x, I* dots) {
  constexpr bool kTogether = kTile <= kTileQuantized / 3;
  constexpr int kPlanes = kTogether ? 2 : 1;
  const int8_t* planes[kPlanes * kTile];
  I sums[kPlanes * kTile];
  for (int t = 0; t < kPlanes * kTile; ++t) {
    planes[t] = t < kTile ? x[t] : x[t - kTile] + kQuantBlock;
    sums[t] = SetInt(0);
  }
  Format::template Dot<kPlanes * kTile>(panel, planes, sums);
  if constexpr (kTogether) {
    for (int t = 0; t < kTile; ++t) dots[t] = AddInt(Times128(sums[t]), sums[kTile + t]);
  } else {
    for (int t = 0; t < kTile; ++t) {
      dots[t] = Times128(sums[t]);
      planes[t] += kQuantBlock;
    }
    Format::template Dot<kTile>(panel, planes, dots);
  }
}

// One panel times kTile rows of activations; out[t] are the panel's 16 results for row t.
template <typename Format, int kTile>
void MultiplyQuantized(const uint8_t* panel, const Activations& x, size_t row, F* out) {
  const size_t blocks = x.cols / kQuantBlock;
  const int8_t* planes[kTile];
  const float* scales[kTile];
  const float* sums[kTile];
  const int32_t* offsets[kTile];
  F totals[kTile];
  for (int t = 0; t < kTile; ++t) {
    const Activations a = x.Row(row + static_cast<size_t>(t));
    planes[t] = a.planes;
    scales[t] = a.scales;
    sums[t] = a.sums;
    offsets[t] = a.offsets;
    totals[t] = Zero();
  }
  for (size_t b = 0; b < blocks; ++b, panel += Format::kPanelBytes) {
    I dots[kTile];
    DotPlanes<Format, kTile>(panel, planes, dots);
    const F scale = FromHalf(AsHalves(panel + Format::kScales));
    for (int t = 0; t < kTile; ++t) {
      if constexpr (Format::kCorrected) {
        dots[t] = AddInt(dots[t], SetInt(Format::Correction(offsets[t][b])));
      }
      totals[t] = Fma(ToFloat(dots[t]), Mul(scale, Set(scales[t][b])), totals[t]);
      planes[t] += 2 * kQuantBlock;
    }
    if constexpr (Format::kMin) {
      const F min = FromHalf(AsHalves(panel + Format::kScales + 2 * kPanelRows));
      for (int t = 0; t < kTile; ++t) totals[t] = Fma(min, Set(sums[t][b]), totals[t]);
    }
  }
  for (int t = 0; t < kTile; ++t) out[t] = totals[t];
}

template <typename Format, int kTile>
void MultiplyFloats(const uint8_t* panel, const Activations& x, size_t row, F* out) {
  constexpr int kChains = 4;  // independent sums: the latency of one would bound the product
  constexpr size_t kStep = Format::kElement * kPanelRows;
  F sums[kTile][kChains];
  const float* rows[kTile];
  for (int t = 0; t < kTile; ++t) {
    rows[t] = x.floats + (row + static_cast<size_t>(t)) * x.cols;
    for (int c = 0; c < kChains; ++c) sums[t][c] = Zero();
  }
  for (size_t i = 0; i < x.cols; i += kChains, panel += kChains * kStep) {
    for (int c = 0; c < kChains; ++c) {
      const F weights = Format::Weights(panel + static_cast<size_t>(c) * kStep);
      for (int t = 0; t < kTile; ++t) {
        sums[t][c] = Fma(weights, Set(rows[t][i + static_cast<size_t>(c)]), sums[t][c]);
      }
    }
  }
  for (int t = 0; t < kTile; ++t) {
    out[t] = Add(Add(sums[t][0], sums[t][1]), Add(sums[t][2], sums[t][3]));
  }
}

struct Destination {
  float* out;
  size_t stride;
  bool add;
};

inline void StoreRows(F values, float* to, size_t rows, bool add) {
  if (rows >= kPanelRows) {
    Store(to, add ? Add(values, Load(to)) : values);
    return;
  }
  float lanes[kPanelRows];
  Store(lanes, values);
  for (size_t i = 0; i < rows; ++i) to[i] = add ? lanes[i] + to[i] : lanes[i];
}

using PanelProduct = void (*)(const uint8_t* panel, const Activations& x, size_t row, F* out);

// products[k - 1] computes k rows of activations at once.
void MultiplyPanels(const PanelProduct* products, size_t largest_tile, const Panels& panels,
                    size_t first, size_t last, const Activations& x, size_t n,
                    const Destination& to) {
  for (size_t p = first; p < last; ++p) {
    const uint8_t* panel = panels.data + p * panels.panel_bytes;
    const size_t rows = panels.rows - p * kPanelRows;
    for (size_t t = 0; t < n;) {
      const size_t tile = Least(largest_tile, n - t);
      F out[kTileQuantized > kTileFloats ? kTileQuantized : kTileFloats];
      products[tile - 1](panel, x, t, out);
      for (size_t i = 0; i < tile; ++i, ++t) {
        StoreRows(out[i], to.out + t * to.stride + p * kPanelRows, rows, to.add);
      }
    }
  }
}

// A list of the tile sizes 1 .. n as a type.
template <int... k>
struct Tiles {};
template <int n, int... k>
struct MakeTiles : MakeTiles<n - 1, n, k...> {};
template <int... k>
struct MakeTiles<0, k...> {
  using Type = Tiles<k...>;
};

template <typename Format, int... k>
void MultiplyAllQuantized(Tiles<k...>, const Panels& panels, size_t first, size_t last,
                          const Activations& x, size_t n, const Destination& to) {
  static constexpr PanelProduct kProducts[] = {&MultiplyQuantized<Format, k>...};
  MultiplyPanels(kProducts, sizeof...(k), panels, first, last, x, n, to);
}
template <typename Format, int... k>
void MultiplyAllFloats(Tiles<k...>, const Panels& panels, size_t first, size_t last,
                       const Activations& x, size_t n, const Destination& to) {
  static constexpr PanelProduct kProducts[] = {&MultiplyFloats<Format, k>...};
  MultiplyPanels(kProducts, sizeof...(k), panels, first, last, x, n, to);
}

// Calls visit(Format{}) for a quantized type or visit_floats(Format{}) for the others; false where the
// type is not supported.
template <typename Quantized, typename Floats>
bool VisitFormat(TensorType type, Quantized visit, Floats visit_floats) {
  switch (type) {
    case TensorType::kQ4_0: visit(Nibbles<false>{}); return true;
    case TensorType::kQ4_1: visit(Nibbles<true>{}); return true;
    case TensorType::kQ8_0: visit(Bytes{}); return true;
    case TensorType::kF32: visit_floats(Floats32{}); return true;
    case TensorType::kF16: visit_floats(Floats16{}); return true;
    case TensorType::kBF16: visit_floats(BrainFloats16{}); return true;
    default: return false;
  }
}

size_t PanelBytes(TensorType type, size_t cols) {
  size_t bytes = 0;
  VisitFormat(
      type, [&](auto f) { bytes = cols / kQuantBlock * decltype(f)::kPanelBytes; },
      [&](auto f) { bytes = cols * kPanelRows * decltype(f)::kElement; });
  return bytes;
}

bool WantsQuantized(TensorType type) {
  bool quantized = false;
  VisitFormat(type, [&](auto) { quantized = true; }, [](auto) {});
  return quantized;
}

void PackPanel(const Panels& panels, const uint8_t* rows, size_t n_rows, uint8_t* panel) {
  __builtin_memset(panel, 0, panels.panel_bytes);
  VisitFormat(
      panels.type,
      [&](auto f) {
        using Format = decltype(f);
        const size_t blocks = panels.cols / kQuantBlock;
        for (size_t r = 0; r < n_rows; ++r) {
          for (size_t b = 0; b < blocks; ++b) {
            Format::Pack(rows + (r * blocks + b) * Format::kFileBytes, r,
                         panel + b * Format::kPanelBytes);
          }
        }
      },
      [&](auto f) {
        constexpr size_t kElement = decltype(f)::kElement;
        for (size_t r = 0; r < n_rows; ++r) {
          for (size_t c = 0; c < panels.cols; ++c) {
            __builtin_memcpy(panel + (c * kPanelRows + r) * kElement,
                             rows + (r * panels.cols + c) * kElement, kElement);
          }
        }
      });
}

void ReadRow(const Panels& panels, size_t row, float* out) {
  const uint8_t* panel = panels.data + row / kPanelRows * panels.panel_bytes;
  const size_t lane = row % kPanelRows;
  VisitFormat(
      panels.type,
      [&](auto f) {
        using Format = decltype(f);
        for (size_t b = 0; b < panels.cols / kQuantBlock; ++b) {
          Format::Unpack(panel + b * Format::kPanelBytes, lane, out + b * kQuantBlock);
        }
      },
      [&](auto f) {
        using Format = decltype(f);
        for (size_t c = 0; c < panels.cols; ++c) {
          out[c] = Format::One(panel + (c * kPanelRows + lane) * Format::kElement);
        }
      });
}

void Multiply(const Panels& panels, size_t first, size_t last, const Activations& x, size_t n,
              float* out, size_t out_stride, bool add) {
  const Destination to = {out, out_stride, add};
  VisitFormat(
      panels.type,
      [&](auto f) {
        MultiplyAllQuantized<decltype(f)>(typename MakeTiles<kTileQuantized>::Type{}, panels,
                                          first, last, x, n, to);
      },
      [&](auto f) {
        MultiplyAllFloats<decltype(f)>(typename MakeTiles<kTileFloats>::Type{}, panels, first,
                                       last, x, n, to);
      });
}

// ---------------------------------------------------------------------------------------------------
// Element-wise kernels.

void Quantize(const float* x, const Activations& row) {
  int8_t* planes = row.planes;
  for (size_t b = 0; b < row.cols / kQuantBlock; ++b, x += kQuantBlock, planes += 2 * kQuantBlock) {
    const F first = Load(x);
    const F second = Load(x + 16);
    const float scale = Top(Max(Abs(first), Abs(second))) / (127.0f * 128.0f);
    // A block so small that the inverse would overflow counts as zero.
    const F inverse = Set(scale > 1e-36f ? 1.0f / scale : 0.0f);
    const auto split = [&](F values, int8_t* high_plane) {
      const F whole = RoundToInt(Mul(values, inverse));
      const F high = RoundToInt(Mul(whole, Set(1.0f / 128.0f)));
      const I h = RoundToBytes(high_plane, high);
      const I l = RoundToBytes(high_plane + kQuantBlock, Fma(high, Set(-128.0f), whole));
      return AddInt(Times128(h), l);
    };
    const int32_t sum = SumInt(AddInt(split(first, planes), split(second, planes + 16)));
    row.scales[b] = scale;
    row.sums[b] = scale * static_cast<float>(sum);
    row.offsets[b] = -128 * sum;
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
  static F Read(const uint8_t* p, size_t i) { return Load(reinterpret_cast<const float*>(p) + i); }
};
struct Kv16 {
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

// kRows query rows share every key and value that is read.
template <typename Kv, int kRows>
void AttendRows(const AttentionChunk& chunk, const QueryRow* rows, AttentionState* states) {
  float weights[kRows][kChunkPositions];
  const uint32_t length = chunk.end - chunk.begin;
  for (uint32_t at = 0; at < length; at += 16) {
    const uint8_t* keys = chunk.keys[at / 16];
    F scores[kRows];
    for (int r = 0; r < kRows; ++r) scores[r] = Zero();
    for (size_t i = 0; i < chunk.head_dim; ++i) {
      const F key = Kv::Read(keys, i * 16);
      for (int r = 0; r < kRows; ++r) scores[r] = Fma(key, Set(rows[r].query[i]), scores[r]);
    }
    const auto position = static_cast<int64_t>(chunk.begin + at);
    for (int r = 0; r < kRows; ++r) {
      const F hidden = Set(-kInfinity);
      F seen = FirstLanes(static_cast<int>(rows[r].to - position + 1), scores[r], hidden);
      seen = FirstLanes(static_cast<int>(rows[r].from - position), hidden, seen);
      Store(weights[r] + at, seen);
    }
  }
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
  for (size_t i = 0; i < chunk.head_dim; i += 16) {
    F sums[kRows];
    for (int r = 0; r < kRows; ++r) sums[r] = Zero();
    for (uint32_t p = 0; p < length; ++p) {
      const F value = Kv::Read(chunk.values[p / 16], (p % 16) * chunk.head_dim + i);
      for (int r = 0; r < kRows; ++r) sums[r] = Fma(value, Set(weights[r][p]), sums[r]);
    }
    for (int r = 0; r < kRows; ++r) Store(states[r].values + i, sums[r]);
  }
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
