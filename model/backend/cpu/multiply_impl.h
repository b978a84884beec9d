// Matrix products of the CPU kernels. Part of kernels_impl.h.

// The first tile of rows reads the weights from memory: they are fetched this many bytes ahead,
// since the hardware's own prefetch stops at the end of each page.
constexpr size_t kAhead = 4096;
// So few rows are multiplied with both planes at once, and with kStreams panels: what bounds them
// is how many lines of memory are on their way.
constexpr int kFewRows = 2;

template <size_t kBytes>
inline void FetchAhead(const uint8_t* weights) {
  for (size_t line = 0; line < kBytes; line += 64) __builtin_prefetch(weights + kAhead + line);
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

// The 16 results of panel p for row t.
inline void StoreResult(F values, const Panels& panels, size_t p, size_t t, const Destination& to) {
  StoreRows(values, to.out + t * to.stride + p * kPanelRows, panels.rows - p * kPanelRows, to.add);
}

constexpr float kLowUnit = 1.0f / (1 << kPlaneBits);

// What takes the weights' offset off a block's dot products. `sum` is -128 times the sum of the
// activations.
template <int kOffset>
inline I OffsetDot(int32_t sum) {
  static_assert(kOffset == 0 || kOffset == 8 || kOffset == 16 || kOffset == 32 || kOffset == 128);
  if constexpr (kOffset == 0) return SetInt(0);
  if constexpr (kOffset == 128) return SetInt(sum);
  constexpr int kShift = kOffset == 8 ? 4 : kOffset == 16 ? 3 : 2;  // of -128 to -kOffset
  return ShiftRight<kShift>(SetInt(sum));
}

// dots[(half * kPanels + p) * kTile + t]: the weights without their offset times the rows' whole
// numbers, high planes alone or (kFine) both.
template <typename Format, int kPanels, int kTile, bool kFine>
HEARTH_INLINE void DotBlock(const uint8_t* const* panels, size_t b, const QuantBlock* const* x,
                            I* dots) {
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
HEARTH_INLINE void AddBlock(const uint8_t* const* panels, size_t b, const QuantBlock* const* x,
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

// Panels [first, last), kPanels at a time, times rows [row, row + kTile) of activations; row
// `row + t` goes to row t of `to`. In a block where one of the rows has a low plane all are taken
// to have one: the others' is zero, and gives the same bits as none.
template <typename Format, int kPanels, int kTile>
void MultiplyQuantized(const Panels& matrix, size_t first, size_t last, const Activations& x,
                       size_t row, const Destination& to) {
  constexpr size_t kParts = Format::kColumns / kQuantBlock;
  constexpr size_t kPart = Format::kPanelBytes / kParts;
  const size_t n_blocks = x.n_blocks();
  const QuantBlock* rows[kTile];
  const uint64_t* fine_blocks[kTile];
  for (int t = 0; t < kTile; ++t) {
    const Activations a = x.Row(row + static_cast<size_t>(t));
    rows[t] = a.blocks;
    fine_blocks[t] = a.fine_blocks;
  }
  for (size_t panel = first; panel < last; panel += kPanels) {
    const uint8_t* panels[kPanels];
    const QuantBlock* tile[kTile];
    F totals[kPanels * kTile];
    for (size_t p = 0; p < kPanels; ++p) {
      panels[p] = matrix.data + (panel + p) * matrix.panel_bytes;
    }
    for (int t = 0; t < kTile; ++t) tile[t] = rows[t];
    for (F& total : totals) total = Zero();
    uint64_t fine = 0;  // of the blocks from this one on, a bit each
    for (size_t block = 0; block < n_blocks;) {
      for (size_t b = 0; b < kParts; ++b, ++block, fine >>= 1) {
        if constexpr (!kInCache<Format>) {
          if (row == 0) {
            for (const uint8_t* weights : panels) FetchAhead<kPart>(weights + b * kPart);
          }
        }
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
    for (size_t p = 0; p < kPanels; ++p) {
      for (size_t t = 0; t < kTile; ++t)
        StoreResult(totals[p * kTile + t], matrix, panel + p, t, to);
    }
  }
}

// The same for weights that are floats.
template <typename Format, int kPanels, int kTile>
void MultiplyFloats(const Panels& matrix, size_t first, size_t last, const Activations& x,
                    size_t row, const Destination& to) {
  constexpr size_t kChains = 4;  // independent sums: the latency of one would bound the product
  constexpr size_t kStep = Format::kElement * kPanelRows;
  const float* rows[kTile];
  for (size_t t = 0; t < kTile; ++t) rows[t] = x.floats + (row + t) * x.cols;
  for (size_t panel = first; panel < last; panel += kPanels) {
    const uint8_t* panels[kPanels];
    F sums[kPanels][kTile][kChains];
    for (size_t p = 0; p < kPanels; ++p) {
      panels[p] = matrix.data + (panel + p) * matrix.panel_bytes;
      for (auto& chains : sums[p]) {
        for (F& sum : chains) sum = Zero();
      }
    }
    for (size_t i = 0; i < x.cols; i += kChains) {
      for (size_t p = 0; p < kPanels; ++p) {
        if (row == 0) FetchAhead<kChains * kStep>(panels[p]);
        for (size_t c = 0; c < kChains; ++c) {
          const F weights = Format::Weights(panels[p] + c * kStep);
          for (size_t t = 0; t < kTile; ++t) {
            sums[p][t][c] = Fma(weights, Set(rows[t][i + c]), sums[p][t][c]);
          }
        }
        panels[p] += kChains * kStep;
      }
    }
    for (size_t p = 0; p < kPanels; ++p) {
      for (size_t t = 0; t < kTile; ++t) {
        const F* chains = sums[p][t];
        const F sum = Add(Add(chains[0], chains[1]), Add(chains[2], chains[3]));
        StoreResult(sum, matrix, panel + p, t, to);
      }
    }
  }
}

using Product = void (*)(const Panels& matrix, size_t first, size_t last, const Activations& x,
                         size_t row, const Destination& to);
// Unpacks panels into scratch memory.
using Loosener = void (*)(const Panels& matrix, size_t first, size_t last, uint8_t* scratch);

// The kernels of a format by the number of rows: entry k - 1 computes k at once.
struct Products {
  size_t most = 0;                   // rows at once
  const Product* one = nullptr;      // for one panel
  const Product* several = nullptr;  // for `at_once` panels
  size_t at_once = 1;
  // Where the kernels want panels unpacked: what does it, and the bytes of a panel then.
  Loosener loosen = nullptr;
  size_t loose_bytes = 0;
};

// From so many tiles of rows on, unpacking the weights once into scratch memory costs less than
// doing it in each tile.
constexpr size_t kTilesToLoosen = 3;

template <typename Format>
using LooseOf = Loose<Format::kHalves, Format::kOffset, Format::kHasMin>;

template <typename Format>
void LoosenPanels(const Panels& matrix, size_t first, size_t last, uint8_t* scratch) {
  using To = LooseOf<Format>;
  constexpr size_t kParts = Format::kColumns / kQuantBlock;
  for (size_t p = first; p < last; ++p) {
    const uint8_t* panel = matrix.data + p * matrix.panel_bytes;
    for (size_t i = 0; i < matrix.cols; i += Format::kColumns, panel += Format::kPanelBytes) {
      for (size_t b = 0; b < kParts; ++b, scratch += To::kPanelBytes) {
        Format::Loosen(panel, b, scratch);
        auto* floats = reinterpret_cast<float*>(scratch + To::kScales);
        for (int h = 0; h < Format::kHalves; ++h, floats += kPanelRows) {
          Store(floats, Format::Scale(panel, b, h));
        }
        if constexpr (Format::kHasMin) Store(floats, Format::Min(panel, b));
      }
    }
  }
}

// Rows that go through all panels together: weights are read once for them, and their activations
// from the caches.
constexpr size_t kMostRowsTogether = 512;
constexpr size_t kElementsTogether = 1536 << 10;
size_t RowsTogether(size_t cols) {
  const size_t rows = Least(kElementsTogether / cols, kMostRowsTogether);
  return rows == 0 ? 1 : rows;
}

// Panels [first, last) times n rows, `most` or fewer at once.
void MultiplyTiles(const Product* products, size_t most, const Panels& matrix, size_t first,
                   size_t last, const Activations& x, size_t n, const Destination& to) {
  const size_t tiles = (n + most - 1) / most;
  for (size_t i = 0, row = 0; i < tiles; ++i) {
    const size_t tile =
        (n - row) / (tiles - i);  // equal ones: a small rest would waste the weights
    products[tile - 1](matrix, first, last, x, row, {to.out + row * to.stride, to.stride, to.add});
    row += tile;
  }
}

void MultiplyMatrix(const Products& products, const Panels& matrix, size_t first, size_t last,
                    const Activations& x, size_t n, const Destination& to, uint8_t* scratch) {
  const size_t together = RowsTogether(x.cols);
  for (size_t row = 0; row < n; row += together) {
    const size_t rows = Least(together, n - row);
    const Destination rows_to = {to.out + row * to.stride, to.stride, to.add};
    // One tile walks through all panels; of several, each takes its turn with a few of them.
    size_t p = first;
    while (p < last) {
      const size_t left = last - p;
      const size_t at_once = left >= products.at_once ? products.at_once : 1;
      const size_t panels = rows <= products.most ? left / at_once * at_once : at_once;
      const Product* const kernels = at_once == 1 ? products.one : products.several;
      if (products.loosen == nullptr) {
        MultiplyTiles(kernels, products.most, matrix, p, p + panels, x.Row(row), rows, rows_to);
      } else {
        products.loosen(matrix, p, p + panels, scratch);
        const size_t before = p * kPanelRows;
        const Panels loose = {matrix.type, matrix.rows - before, matrix.cols, products.loose_bytes,
                              scratch};
        MultiplyTiles(kernels, products.most, loose, 0, panels, x.Row(row), rows,
                      {rows_to.out + before, rows_to.stride, rows_to.add});
      }
      p += panels;
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

template <typename Format, int kPanels, int... k>
Products QuantizedProducts(Tiles<k...>) {
  static constexpr Product kOne[] = {&MultiplyQuantized<Format, 1, k>...};
  static constexpr Product kSeveral[] = {&MultiplyQuantized<Format, kPanels, k>...};
  return {sizeof...(k), kOne, kSeveral, kPanels};
}
template <typename Format, int kPanels, int... k>
Products FloatProducts(Tiles<k...>) {
  static constexpr Product kOne[] = {&MultiplyFloats<Format, 1, k>...};
  static constexpr Product kSeveral[] = {&MultiplyFloats<Format, kPanels, k>...};
  return {sizeof...(k), kOne, kSeveral, kPanels};
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

// The packed format with the largest blocks when unpacked has two halves, or a minimum.
size_t ScratchBytes(size_t cols) {
  return kPanelsAtOnce * (cols / kQuantBlock) * Loose<2, 0, false>::kPanelBytes;
}

void Multiply(const Panels& panels, size_t first, size_t last, const Activations& x, size_t n,
              float* out, size_t out_stride, bool add, uint8_t* scratch) {
  const Destination to = {out, out_stride, add};
  const auto multiply = [&](const Products& products) {
    MultiplyMatrix(products, panels, first, last, x, n, to, scratch);
  };
  using FewTiles = typename MakeTiles<kFewRows>::Type;
  VisitFormat(
      panels.type,
      [&](auto f) {
        using Format = decltype(f);
        if (n <= kFewRows) return multiply(QuantizedProducts<Format, kStreams>(FewTiles{}));
        constexpr size_t kMost = Format::kHalves == 1 ? kTileQuantized : kTileHalves;
        using AllTiles = typename MakeTiles<kMost>::Type;
        if constexpr (Format::kPacked) {
          if (n >= kTilesToLoosen * kMost) {
            using Unpacked = LooseOf<Format>;
            Products products = QuantizedProducts<Unpacked, kPanelsAtOnce>(AllTiles{});
            products.loosen = &LoosenPanels<Format>;
            products.loose_bytes = panels.cols / kQuantBlock * Unpacked::kPanelBytes;
            return multiply(products);
          }
        }
        multiply(QuantizedProducts<Format, kPanelsAtOnce>(AllTiles{}));
      },
      [&](auto f) {
        using Format = decltype(f);
        if (n <= kFewRows) return multiply(FloatProducts<Format, kStreams>(FewTiles{}));
        multiply(FloatProducts<Format, 1>(typename MakeTiles<kTileFloats>::Type{}));
      });
}
