// Matrix products of the CPU kernels. Part of kernels_impl.h.

// Where few rows share the weights, reading these bounds a product: they are fetched this many
// bytes ahead, since the hardware's own prefetch stops at the end of each page.
constexpr size_t kAhead = 4096;
// So many rows do not hide the reading.
constexpr int kUnhidden = 4;
// And so few are multiplied by one panel after the other, with both planes at once.
constexpr int kFewRows = 2;

template <size_t kBytes>
inline void FetchAhead(const uint8_t* weights) {
  for (size_t line = 0; line < kBytes; line += 64) __builtin_prefetch(weights + kAhead + line);
}

constexpr float kLowUnit = 1.0f / (1 << kPlaneBits);

// What takes the weights' offset off a block's dot products. `sum` is -128 times the sum of the
// activations.
template <int kOffset>
inline I OffsetDot(int32_t sum) {
  static_assert(kOffset == 0 || kOffset == 8 || kOffset == 16 || kOffset == 32 || kOffset == 128);
  if constexpr (kOffset == 0) return SetInt(0);
  if constexpr (kOffset == 128) return SetInt(sum);
  return ShiftRight < kOffset == 8 ? 4 : kOffset == 16 ? 3 : 2 > (SetInt(sum));
}

// dots[(half * kPanels + p) * kTile + t]: the weights without their offset times the rows' whole
// numbers, high planes alone or (kFine) both.
template <typename Format, int kPanels, int kTile, bool kFine>
inline void DotBlock(const uint8_t* const* panels, size_t b, const QuantBlock* const* x, I* dots) {
  constexpr int kAll = Format::kHalves * kPanels * kTile;
  const auto offset = [&](int i) {
    const QuantBlock::Offset& o = kFine ? x[i % kTile]->fine_offset : x[i % kTile]->high_offset;
    const int32_t first = Format::kHalves == 1 ? o.whole : o.first;
    return OffsetDot<Format::kOffset>(i < kPanels * kTile ? first : o.whole - o.first);
  };
  const int8_t* rows[2 * kTile];  // high planes, then low ones
  for (int t = 0; t < kTile; ++t) {
    rows[t] = x[t]->high;
    rows[kTile + t] = x[t]->low;
  }
  if constexpr (!kFine) {
    for (int i = 0; i < kAll; ++i) dots[i] = offset(i);
    Format::template Dot<kPanels, kTile>(panels, b, rows, dots);
  } else if constexpr (kTile <= kFewRows) {
    // The planes go as rows of their own: weights are read and unpacked once.
    I apart[2 * kAll];
    for (I& dot : apart) dot = SetInt(0);
    Format::template Dot<kPanels, 2 * kTile>(panels, b, rows, apart);
    for (int i = 0; i < kAll; ++i) {
      const I* high = apart + i / kTile * 2 * kTile + i % kTile;
      dots[i] = AddInt(offset(i), AddInt(ShiftLeft<kPlaneBits>(*high), high[kTile]));
    }
  } else {
    for (int i = 0; i < kAll; ++i) dots[i] = SetInt(0);
    Format::template Dot<kPanels, kTile>(panels, b, rows, dots);
    for (int i = 0; i < kAll; ++i) dots[i] = AddInt(offset(i), ShiftLeft<kPlaneBits>(dots[i]));
    Format::template Dot<kPanels, kTile>(panels, b, rows + kTile, dots);
  }
}

// totals[p * kTile + t] += the products of one block of 32 columns.
template <typename Format, int kPanels, int kTile, bool kFine>
inline void AddBlock(const uint8_t* const* panels, size_t b, const QuantBlock* const* x,
                     F* totals) {
  I dots[Format::kHalves * kPanels * kTile];
  DotBlock<Format, kPanels, kTile, kFine>(panels, b, x, dots);
  for (int h = 0; h < Format::kHalves; ++h) {
    for (int p = 0; p < kPanels; ++p) {
      F scale = Format::Scale(panels[p], b, h);
      if constexpr (kFine) scale = Mul(scale, Set(kLowUnit));
      for (int t = 0; t < kTile; ++t) {
        F& total = totals[p * kTile + t];
        total =
            Fma(ToFloat(dots[(h * kPanels + p) * kTile + t]), Mul(scale, Set(x[t]->scale)), total);
      }
    }
  }
  if constexpr (Format::kHasMin) {
    for (int p = 0; p < kPanels; ++p) {
      const F min = Format::Min(panels[p], b);
      for (int t = 0; t < kTile; ++t) {
        totals[p * kTile + t] = Fma(min, Set(x[t]->sum), totals[p * kTile + t]);
      }
    }
  }
}

// kPanels panels times kTile rows of activations; out[p * kTile + t] are the 16 results of panel p
// for row t. In a block where one of the rows has a low plane all are taken to have one: the
// others' is zero, and gives the same bits as none.
template <typename Format, int kPanels, int kTile>
void MultiplyQuantized(const uint8_t* panel, size_t panel_bytes, const Activations& x, size_t row,
                       F* out) {
  constexpr size_t kParts = Format::kColumns / kQuantBlock;
  const size_t parts = x.n_blocks();
  const uint8_t* panels[kPanels];
  const QuantBlock* tile[kTile];
  const uint64_t* fine_blocks[kTile];
  for (int p = 0; p < kPanels; ++p) panels[p] = panel + static_cast<size_t>(p) * panel_bytes;
  for (int t = 0; t < kTile; ++t) {
    const Activations a = x.Row(row + static_cast<size_t>(t));
    tile[t] = a.blocks;
    fine_blocks[t] = a.fine_blocks;
  }
  F totals[kPanels * kTile];
  for (F& total : totals) total = Zero();
  uint64_t fine = 0;  // of the blocks from this one on, a bit each
  for (size_t block = 0; block < parts;) {
    if (kTile <= kUnhidden && row == 0) {
      for (const uint8_t* weights : panels) FetchAhead<Format::kPanelBytes>(weights);
    }
    for (size_t b = 0; b < kParts; ++b, ++block, fine >>= 1) {
      if (block % 64 == 0) {
        for (int t = 0; t < kTile; ++t) fine |= fine_blocks[t][block / 64];
      }
      if ((fine & 1) != 0) {
        AddBlock<Format, kPanels, kTile, true>(panels, b, tile, totals);
      } else {
        AddBlock<Format, kPanels, kTile, false>(panels, b, tile, totals);
      }
      for (const QuantBlock*& at : tile) ++at;
    }
    for (const uint8_t*& weights : panels) weights += Format::kPanelBytes;
  }
  for (int i = 0; i < kPanels * kTile; ++i) out[i] = totals[i];
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

// The kernels of a format by the number of rows: entry k - 1 computes k at once.
struct Products {
  size_t most = 0;                // rows at once
  const Product* one = nullptr;   // for one panel
  const Product* pair = nullptr;  // for kPanelsAtOnce; null: there is none
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

// Rows that go through all panels together, so that their activations stay in the second cache.
constexpr size_t kMostRowsTogether = 128;
constexpr size_t kElementsTogether = 256 << 10;
size_t RowsTogether(size_t cols) {
  const size_t rows = Least(kElementsTogether / cols, kMostRowsTogether);
  return rows == 0 ? 1 : rows;
}

void MultiplyMatrix(const Products& products, const Panels& panels, size_t first, size_t last,
                    const Activations& x, size_t n, const Destination& to) {
  const size_t together = RowsTogether(x.cols);
  for (size_t row = 0; row < n; row += together) {
    const size_t rows = Least(together, n - row);
    const Destination rows_to = {to.out + row * to.stride, to.stride, to.add};
    for (size_t p = first; p < last;) {
      const bool pair = products.pair != nullptr && n > kFewRows && last - p >= kPanelsAtOnce;
      MultiplyPanels(pair ? products.pair : products.one, pair ? kPanelsAtOnce : 1, products.most,
                     panels, p, x.Row(row), rows, rows_to);
      p += pair ? kPanelsAtOnce : 1;
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
Products QuantizedProducts(Tiles<k...>) {
  static constexpr Product kOne[] = {&MultiplyQuantized<Format, 1, k>...};
  if constexpr (kPanelsAtOnce == 1) {
    return {.most = sizeof...(k), .one = kOne};
  } else {
    static constexpr Product kPair[] = {&MultiplyQuantized<Format, kPanelsAtOnce, k>...};
    return {.most = sizeof...(k), .one = kOne, .pair = kPair};
  }
}
template <typename Format, int... k>
Products FloatProducts(Tiles<k...>) {
  static constexpr Product kOne[] = {&MultiplyFloats<Format, k>...};
  return {.most = sizeof...(k), .one = kOne};
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
