// Matrix products of the CPU kernels. Part of kernels_impl.h.

// dots[half * kTile + t] = 32 columns of weights times the whole numbers whose planes lie at x[t].
// Few rows go through both planes together, so that weights are unpacked once; many would not fit
// the registers.
template <typename Format, int kTile>
inline void DotPlanes(const uint8_t* panel, size_t b, const int8_t* const* x, I* dots) {
  constexpr int kHalves = Format::kHalves;
  constexpr bool kTogether = kTile * kHalves <= kTileQuantized / 3;
  constexpr int kPlanes = kTogether ? 2 : 1;
  constexpr int kRows = kPlanes * kTile;
  const int8_t* planes[kRows];
  I sums[kHalves * kRows];
  for (int t = 0; t < kRows; ++t) planes[t] = t < kTile ? x[t] : x[t - kTile] + kQuantBlock;
  for (int t = 0; t < kHalves * kRows; ++t) sums[t] = SetInt(0);
  Format::template Dot<kRows>(panel, b, planes, sums);
  if constexpr (kTogether) {
    for (int h = 0; h < kHalves; ++h) {
      for (int t = 0; t < kTile; ++t) {
        dots[h * kTile + t] = AddInt(Times128(sums[h * kRows + t]), sums[h * kRows + kTile + t]);
      }
    }
  } else {
    for (int t = 0; t < kHalves * kTile; ++t) dots[t] = Times128(sums[t]);
    for (int t = 0; t < kTile; ++t) planes[t] += kQuantBlock;
    Format::template Dot<kTile>(panel, b, planes, dots);
  }
}

// One panel times kTile rows of activations; out[t] are the panel's 16 results for row t.
template <typename Format, int kTile>
void MultiplyQuantized(const uint8_t* panel, const Activations& x, size_t row, F* out) {
  constexpr int kHalves = Format::kHalves;
  constexpr size_t kParts = Format::kColumns / kQuantBlock;
  const size_t parts = x.cols / kQuantBlock;
  const int8_t* planes[kTile];
  const float* scales[kTile];
  const float* sums[kTile];
  const int32_t* offsets[kTile];
  const int32_t* first_offsets[kTile];
  F totals[kTile];
  for (int t = 0; t < kTile; ++t) {
    const Activations a = x.Row(row + static_cast<size_t>(t));
    planes[t] = a.planes;
    scales[t] = a.scales;
    sums[t] = a.sums;
    offsets[t] = a.offsets;
    first_offsets[t] = a.first_offsets;
    totals[t] = Zero();
  }
  for (size_t at = 0; at < parts; at += kParts, panel += Format::kPanelBytes) {
    for (size_t b = 0; b < kParts; ++b) {
      I dots[kHalves * kTile];
      DotPlanes<Format, kTile>(panel, b, planes, dots);
      for (int h = 0; h < kHalves; ++h) {
        const F scale = Format::Scale(panel, b, h);
        for (int t = 0; t < kTile; ++t) {
          I& dot = dots[h * kTile + t];
          if constexpr (Format::kOffset != 0) {
            // Offsets are -128 times a sum of activations, so this divides exactly.
            const int32_t first = kHalves == 1 ? 0 : first_offsets[t][at + b];
            const int32_t offset = kHalves == 1 ? offsets[t][at + b]
                                   : h == 0     ? first
                                                : offsets[t][at + b] - first;
            dot = AddInt(dot, SetInt(offset / (128 / Format::kOffset)));
          }
          totals[t] = Fma(ToFloat(dot), Mul(scale, Set(scales[t][at + b])), totals[t]);
        }
      }
      if constexpr (Format::kHasMin) {
        const F min = Format::Min(panel, b);
        for (int t = 0; t < kTile; ++t) totals[t] = Fma(min, Set(sums[t][at + b]), totals[t]);
      }
      for (int t = 0; t < kTile; ++t) planes[t] += 2 * kQuantBlock;
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
        MultiplyAllQuantized<decltype(f)>(typename MakeTiles<kTileQuantized>::Type{}, panels, first,
                                          last, x, n, to);
      },
      [&](auto f) {
        MultiplyAllFloats<decltype(f)>(typename MakeTiles<kTileFloats>::Type{}, panels, first, last,
                                       x, n, to);
      });
}
