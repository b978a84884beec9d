// Matrix products of the CPU kernels. Part of kernels_impl.h.

// Where few rows share the weights, reading these bounds a product: they are fetched this many
// bytes ahead, since the hardware's own prefetch stops at the end of each page.
constexpr size_t kAhead = 4096;
// So many rows do not hide the reading.
constexpr int kUnhidden = 4;
// And so many are multiplied with both planes at once.
constexpr int kFewRows = 2;

template <size_t kBytes>
inline void FetchAhead(const uint8_t* weights) {
  for (size_t line = 0; line < kBytes; line += 64) __builtin_prefetch(weights + kAhead + line);
}

// What to begin a block's dot products of bytes with: minus the weights' offset times the sum of
// the activations. `sum` is -128 times that sum.
template <int kOffset>
inline I OffsetDot(int32_t sum) {
  static_assert(kOffset == 0 || kOffset == 8 || kOffset == 16 || kOffset == 32 || kOffset == 128);
  if constexpr (kOffset == 0) return SetInt(0);
  if constexpr (kOffset == 128) return SetInt(sum);
  return ShiftRight < kOffset == 8 ? 4 : kOffset == 16 ? 3 : 2 > (SetInt(sum));
}

// What to begin the kHalves dot products of a block with; `of(t)` gives row t's sums of a plane:
// the block's and that of its first 16.
template <typename Format, int kPanels, int kTile, typename Sums>
inline void BeginDots(Sums of, I* dots) {
  for (int t = 0; t < kTile; ++t) {
    const auto [whole, first] = of(t);
    for (int p = 0; p < kPanels; ++p) {
      if constexpr (Format::kHalves == 1) {
        dots[p * kTile + t] = OffsetDot<Format::kOffset>(whole);
      } else {
        dots[p * kTile + t] = OffsetDot<Format::kOffset>(first);
        dots[(kPanels + p) * kTile + t] = OffsetDot<Format::kOffset>(whole - first);
      }
    }
  }
}

struct PlaneSums {
  int32_t whole;
  int32_t first;
};
inline PlaneSums HighSums(const Activations::Offsets& o) { return {o.high, o.high_first}; }
inline PlaneSums LowSums(const Activations::Offsets& o) { return {o.low, o.low_first}; }

// kPanels panels times the high planes of kTile rows of activations; out[p * kTile + t] are the 16
// results of panel p for row t.
template <typename Format, int kPanels, int kTile>
void MultiplyHigh(const uint8_t* panel, size_t panel_bytes, const Activations& x, size_t row,
                  F* out) {
  constexpr size_t kParts = Format::kColumns / kQuantBlock;
  const size_t parts = x.cols / kQuantBlock;
  const uint8_t* panels[kPanels];
  const int8_t* planes[kTile];
  const float* scales[kTile];
  const float* sums[kTile];
  const Activations::Offsets* offsets[kTile];
  for (int p = 0; p < kPanels; ++p) panels[p] = panel + static_cast<size_t>(p) * panel_bytes;
  for (int t = 0; t < kTile; ++t) {
    const Activations a = x.Row(row + static_cast<size_t>(t));
    planes[t] = a.planes;
    scales[t] = a.scales;
    sums[t] = a.sums;
    offsets[t] = a.offsets;
  }
  F totals[kPanels * kTile];
  for (F& total : totals) total = Zero();
  for (size_t at = 0; at < parts; at += kParts) {
    if (kTile <= kUnhidden && row == 0) {
      for (const uint8_t* weights : panels) FetchAhead<Format::kPanelBytes>(weights);
    }
    for (size_t b = 0; b < kParts; ++b) {
      I dots[Format::kHalves * kPanels * kTile];
      BeginDots<Format, kPanels, kTile>([&](int t) { return HighSums(offsets[t][at + b]); }, dots);
      Format::template Dot<kPanels, kTile>(panels, b, planes, dots);
      for (int h = 0; h < Format::kHalves; ++h) {
        for (int p = 0; p < kPanels; ++p) {
          const F scale = Format::Scale(panels[p], b, h);
          for (int t = 0; t < kTile; ++t) {
            F& total = totals[p * kTile + t];
            total = Fma(ToFloat(dots[(h * kPanels + p) * kTile + t]),
                        Mul(scale, Set(scales[t][at + b])), total);
          }
        }
      }
      if constexpr (Format::kHasMin) {
        for (int p = 0; p < kPanels; ++p) {
          const F min = Format::Min(panels[p], b);
          for (int t = 0; t < kTile; ++t) {
            totals[p * kTile + t] = Fma(min, Set(sums[t][at + b]), totals[p * kTile + t]);
          }
        }
      }
      for (int t = 0; t < kTile; ++t) planes[t] += 2 * kQuantBlock;
    }
    for (const uint8_t*& weights : panels) weights += Format::kPanelBytes;
  }
  for (int i = 0; i < kPanels * kTile; ++i) out[i] = totals[i];
}

constexpr float kLowStep = 1.0f / 128.0f;

// The low planes of kTile rows in one block of 32 columns times kPanels panels, added to
// sums[panel][row]. `panel` is the panel block, b the 32 columns within.
template <typename Format, int kPanels, int kTile>
void AddLow(const uint8_t* panel, size_t panel_bytes, size_t b, const Activations& x, size_t block,
            const uint8_t* rows, float (*const* sums)[kPanelRows]) {
  const uint8_t* panels[kPanels];
  const int8_t* planes[kTile];
  const Activations::Offsets* offsets[kTile];
  F steps[kTile];
  for (int p = 0; p < kPanels; ++p) panels[p] = panel + static_cast<size_t>(p) * panel_bytes;
  for (int t = 0; t < kTile; ++t) {
    const Activations a = x.Row(rows[t]);
    planes[t] = a.planes + block * 2 * kQuantBlock + kQuantBlock;
    offsets[t] = a.offsets + block;
    steps[t] = Set(a.scales[block] * kLowStep);
  }
  I dots[Format::kHalves * kPanels * kTile];
  BeginDots<Format, kPanels, kTile>([&](int t) { return LowSums(*offsets[t]); }, dots);
  Format::template Dot<kPanels, kTile>(panels, b, planes, dots);
  for (int h = 0; h < Format::kHalves; ++h) {
    for (int p = 0; p < kPanels; ++p) {
      const F scale = Format::Scale(panels[p], b, h);
      for (int t = 0; t < kTile; ++t) {
        float* sum = sums[p][rows[t]];
        const F dot = ToFloat(dots[(h * kPanels + p) * kTile + t]);
        Store(sum, Fma(dot, Mul(scale, steps[t]), Load(sum)));
      }
    }
  }
}

// Both planes of a few rows times one panel, whose weights are read once: out[t] what MultiplyHigh
// gives, out[kTile + t] what AddLow adds, bit by bit.
template <typename Format, int kTile>
void MultiplyBoth(const uint8_t* panel, size_t, const Activations& x, size_t row, F* out) {
  constexpr size_t kParts = Format::kColumns / kQuantBlock;
  constexpr int kRows = 2 * kTile;
  const size_t parts = x.cols / kQuantBlock;
  const Activations first = x.Row(row);
  const int8_t* planes[kRows];
  F totals[kRows];
  for (int t = 0; t < kRows; ++t) {
    planes[t] =
        first.planes + static_cast<size_t>(t % kTile) * 2 * x.cols + (t < kTile ? 0 : kQuantBlock);
    totals[t] = Zero();
  }
  for (size_t at = 0; at < parts; at += kParts, panel += Format::kPanelBytes) {
    FetchAhead<Format::kPanelBytes>(panel);
    for (size_t b = 0; b < kParts; ++b) {
      const size_t block = at + b;
      bool has_low = false;
      for (size_t t = 0; t < kTile; ++t) has_low |= first.has_low[block * x.low_stride + t] != 0;
      const auto offsets = [&](int t) -> const Activations::Offsets& {
        return first.offsets[static_cast<size_t>(t) * parts + block];
      };
      I dots[Format::kHalves * kRows];
      if (has_low) {
        BeginDots<Format, 1, kRows>(
            [&](int t) { return t < kTile ? HighSums(offsets(t)) : LowSums(offsets(t - kTile)); },
            dots);
        Format::template Dot<1, kRows>(&panel, b, planes, dots);
      } else {
        BeginDots<Format, 1, kTile>([&](int t) { return HighSums(offsets(t)); }, dots);
        Format::template Dot<1, kTile>(&panel, b, planes, dots);
      }
      const int stride = has_low ? kRows : kTile;
      for (int h = 0; h < Format::kHalves; ++h) {
        const F scale = Format::Scale(panel, b, h);
        for (int t = 0; t < kTile; ++t) {
          const float step = first.scales[static_cast<size_t>(t) * parts + block];
          totals[t] = Fma(ToFloat(dots[h * stride + t]), Mul(scale, Set(step)), totals[t]);
          if (!has_low) continue;
          F& low = totals[kTile + t];
          low = Fma(ToFloat(dots[h * stride + kTile + t]), Mul(scale, Set(step * kLowStep)), low);
        }
      }
      if constexpr (Format::kHasMin) {
        const F min = Format::Min(panel, b);
        for (int t = 0; t < kTile; ++t) {
          const float sum = first.sums[static_cast<size_t>(t) * parts + block];
          totals[t] = Fma(min, Set(sum), totals[t]);
        }
      }
      for (const int8_t*& plane : planes) plane += 2 * kQuantBlock;
    }
  }
  for (int t = 0; t < kRows; ++t) out[t] = totals[t];
}

template <typename Format, int kTile>
void MultiplyFloats(const uint8_t* panel, size_t, const Activations& x, size_t row, F* out) {
  constexpr int kChains = 4;  // independent sums: the latency of one would bound the product
  constexpr size_t kStep = Format::kElement * kPanelRows;
  F sums[kTile][kChains];
  const float* rows[kTile];
  for (int t = 0; t < kTile; ++t) {
    rows[t] = x.floats + (row + static_cast<size_t>(t)) * x.cols;
    for (int c = 0; c < kChains; ++c) sums[t][c] = Zero();
  }
  for (size_t i = 0; i < x.cols; i += kChains, panel += kChains * kStep) {
    if (kTile <= kUnhidden && row == 0) FetchAhead<kChains * kStep>(panel);
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

using Product = void (*)(const uint8_t* panel, size_t panel_bytes, const Activations& x, size_t row,
                         F* out);
using LowProduct = void (*)(const uint8_t* panel, size_t panel_bytes, size_t b,
                            const Activations& x, size_t block, const uint8_t* rows,
                            float (*const* sums)[kPanelRows]);

// The kernels of a format by the number of rows: entry k - 1 computes k at once. First for one
// panel, then for kPanelsAtOnce.
struct Products {
  size_t most = 0;                // rows at once
  const Product* high[2] = {};    // of quantized activations the high planes; pairs may be missing
  const Product* both = nullptr;  // both planes of at most kFewRows, or null: they are floats
  const LowProduct* low[2] = {};  // the low planes of a block
  size_t columns = 0;             // of a block
  size_t block_bytes = 0;         // of a panel block
};

constexpr size_t kMostAtOnce =
    kPanelsAtOnce * (kTileQuantized > kTileFloats ? kTileQuantized : kTileFloats);

// The 16 results of panel p for row t.
inline void StoreResult(F values, const Panels& panels, size_t p, size_t t, const Destination& to,
                        bool add) {
  StoreRows(values, to.out + t * to.stride + p * kPanelRows, panels.rows - p * kPanelRows, add);
}

void MultiplyPanels(const Product* products, size_t at_once, size_t most, const Panels& panels,
                    size_t first, const Activations& x, size_t n, const Destination& to) {
  const uint8_t* panel = panels.data + first * panels.panel_bytes;
  const size_t tiles = (n + most - 1) / most;
  size_t row = 0;
  for (size_t i = 0; i < tiles; ++i) {
    const size_t tile =
        (n - row) / (tiles - i);  // equal ones: a small rest would waste the weights
    F out[kMostAtOnce];
    products[tile - 1](panel, panels.panel_bytes, x, row, out);
    for (size_t p = 0; p < at_once; ++p) {
      for (size_t t = 0; t < tile; ++t) {
        StoreResult(out[p * tile + t], panels, first + p, row + t, to, to.add);
      }
    }
    row += tile;
  }
}

void MultiplyFewRows(const Products& products, const Panels& panels, size_t p, const Activations& x,
                     size_t n, const Destination& to) {
  F out[2 * kFewRows];
  products.both[n - 1](panels.data + p * panels.panel_bytes, panels.panel_bytes, x, 0, out);
  for (size_t t = 0; t < n; ++t) {
    StoreResult(out[t], panels, p, t, to, to.add);
    StoreResult(out[n + t], panels, p, t, to, true);
  }
}

// Rows that go through all panels together, so that their activations stay in the second cache.
constexpr size_t kMostRowsTogether = 128;
constexpr size_t kElementsTogether = 256 << 10;
size_t RowsTogether(size_t cols) {
  const size_t rows = Least(kElementsTogether / cols, kMostRowsTogether);
  return rows == 0 ? 1 : rows;
}

// Which of some rows have a low plane, block by block of columns.
class LowRows {
 public:
  LowRows(const Activations& x, size_t n) : blocks_(x.cols / kQuantBlock), stride_(n) {
    for (size_t block = 0; block < blocks_; ++block) {
      const uint8_t* has_low = x.has_low + block * x.low_stride;
      uint8_t count = 0;
      for (size_t t = 0; t < n; ++t) {
        rows_[block * n + count] = static_cast<uint8_t>(t);
        count = static_cast<uint8_t>(count + (has_low[t] != 0));
      }
      counts_[block] = count;
    }
  }
  size_t blocks() const { return blocks_; }
  size_t count(size_t block) const { return counts_[block]; }
  const uint8_t* rows(size_t block) const { return rows_ + block * stride_; }

 private:
  static constexpr size_t kMost = kElementsTogether / kQuantBlock;
  size_t blocks_;
  size_t stride_;
  uint8_t counts_[kMost];
  uint8_t rows_[kMost + 1];  // one more is written than counted
};

// Adds what the low planes of some rows give in kPanels panels: a block of columns after the other.
void AddLowPlanes(const Products& products, size_t at_once, const Panels& panels, size_t p,
                  const Activations& x, size_t n, const LowRows& low_rows, const Destination& to) {
  const uint8_t* panel = panels.data + p * panels.panel_bytes;
  const size_t parts = products.columns / kQuantBlock;
  float sums[kPanelsAtOnce][kMostRowsTogether][kPanelRows];
  float(*panel_sums[kPanelsAtOnce])[kPanelRows];
  for (size_t i = 0; i < at_once; ++i) {
    panel_sums[i] = sums[i];
    __builtin_memset(sums[i], 0, n * sizeof(sums[i][0]));
  }
  for (size_t block = 0; block < low_rows.blocks(); ++block) {
    const uint8_t* weights = panel + block / parts * products.block_bytes;
    const uint8_t* rows = low_rows.rows(block);
    for (size_t left = low_rows.count(block); left > 0;) {
      const size_t tile = Least(left, products.most);
      products.low[at_once - 1][tile - 1](weights, panels.panel_bytes, block % parts, x, block,
                                          rows, panel_sums);
      rows += tile;
      left -= tile;
    }
  }
  for (size_t i = 0; i < at_once; ++i) {
    for (size_t t = 0; t < n; ++t) StoreResult(Load(sums[i][t]), panels, p + i, t, to, true);
  }
}

void MultiplyManyRows(const Products& products, const Panels& panels, size_t first, size_t last,
                      const Activations& x, size_t n, const Destination& to) {
  const LowRows low_rows(x, products.both == nullptr ? 0 : n);
  for (size_t p = first; p < last;) {
    const size_t at_once = products.high[1] != nullptr && last - p >= 2 ? 2 : 1;
    MultiplyPanels(products.high[at_once - 1], at_once, products.most, panels, p, x, n, to);
    if (products.both != nullptr) AddLowPlanes(products, at_once, panels, p, x, n, low_rows, to);
    p += at_once;
  }
}

void MultiplyMatrix(const Products& products, const Panels& panels, size_t first, size_t last,
                    const Activations& x, size_t n, const Destination& to) {
  if (products.both != nullptr && n <= kFewRows) {
    for (size_t p = first; p < last; ++p) MultiplyFewRows(products, panels, p, x, n, to);
    return;
  }
  const size_t together = RowsTogether(x.cols);
  for (size_t row = 0; row < n; row += together) {
    MultiplyManyRows(products, panels, first, last, x.Row(row), Least(together, n - row),
                     {to.out + row * to.stride, to.stride, to.add});
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
const Product* FewRowsProducts(Tiles<k...>) {
  static constexpr Product kBoth[] = {&MultiplyBoth<Format, k>...};
  return kBoth;
}
template <typename Format, int... k>
Products QuantizedProducts(Tiles<k...>) {
  static constexpr Product kHigh[] = {&MultiplyHigh<Format, 1, k>...};
  static constexpr Product kHighPair[] = {&MultiplyHigh<Format, kPanelsAtOnce, k>...};
  static constexpr LowProduct kLow[] = {&AddLow<Format, 1, k>...};
  static constexpr LowProduct kLowPair[] = {&AddLow<Format, kPanelsAtOnce, k>...};
  return {.most = sizeof...(k),
          .high = {kHigh, kPanelsAtOnce == 2 ? kHighPair : nullptr},
          .both = FewRowsProducts<Format>(typename MakeTiles<kFewRows>::Type{}),
          .low = {kLow, kLowPair},
          .columns = Format::kColumns,
          .block_bytes = Format::kPanelBytes};
}
template <typename Format, int... k>
Products FloatProducts(Tiles<k...>) {
  static constexpr Product kOne[] = {&MultiplyFloats<Format, k>...};
  return {.most = sizeof...(k), .high = {kOne}};
}

size_t PanelBytes(TensorType type, size_t cols) {
  size_t bytes = 0;
  VisitFormat(
      type, [&](auto f) { bytes = cols / decltype(f)::kColumns * decltype(f)::kPanelBytes; },
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
        const size_t blocks = panels.cols / Format::kColumns;
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
        for (size_t b = 0; b < panels.cols / Format::kColumns; ++b) {
          Format::Unpack(panel + b * Format::kPanelBytes, lane, out + b * Format::kColumns);
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
        using Format = decltype(f);
        using AllTiles = typename MakeTiles<kTileQuantized / Format::kHalves>::Type;
        MultiplyMatrix(QuantizedProducts<Format>(AllTiles{}), panels, first, last, x, n, to);
      },
      [&](auto f) {
        using AllTiles = typename MakeTiles<kTileFloats>::Type;
        MultiplyMatrix(FloatProducts<decltype(f)>(AllTiles{}), panels, first, last, x, n, to);
      });
}
