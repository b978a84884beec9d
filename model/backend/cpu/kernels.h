// The table of CPU kernels: written once (kernels_impl.h) over a small SIMD vocabulary, compiled
// once per instruction set, and one table chosen at start. Kernels work on raw memory of one lane
// and know nothing of threads.
//
// Weights lie in **panels** of 16 rows: lane i of a vector belongs to row i of the panel, so a dot
// product needs no sum across lanes and one activation, broadcast, serves sixteen rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/tensor_type.h"

namespace hearth::model::cpu {

constexpr size_t kPanelRows = 16;
constexpr size_t kQuantBlock = 32;  // activations are quantized in blocks of this many

// Rows of activations, in one of two forms (a matrix product reads what its weights' type asks
// for).
//   floats     [n][cols]
//   quantized  a plane of signed bytes for all blocks, x = scale * high, and for the blocks that
//              weigh most a second one, x = scale * (high + low / 128):
//              planes [n][cols / 32][2][32], high first (low is 0 where there is none);
//              scales, sums [n][cols / 32]: max|x| / 127, and the sum of the block's x as
//              quantized; offsets, likewise: what takes an offset of 128 off unsigned weights;
//              has_low [cols / 32][low_stride]: whether row t has the second plane (blocks first: a
//              product goes through the rows of one block of columns).
// Rounding to 8 bits costs a row's products a share of their accuracy that grows with the square of
// a block's largest value, and a few blocks hold most of that. Each row gives its second plane to
// as many blocks as it takes to halve it (README.md).
struct Activations {
  // -128 times the sum of a plane's bytes, and of its first 16.
  struct Offsets {
    int32_t high = 0;
    int32_t high_first = 0;
    int32_t low = 0;
    int32_t low_first = 0;
  };

  size_t cols = 0;
  float* floats = nullptr;
  int8_t* planes = nullptr;
  float* scales = nullptr;
  float* sums = nullptr;
  Offsets* offsets = nullptr;
  uint8_t* has_low = nullptr;
  size_t low_stride = 0;

  Activations Row(size_t i) const {
    const size_t blocks = cols / kQuantBlock;
    return {cols,
            floats + i * cols,
            planes + i * 2 * cols,
            scales + i * blocks,
            sums + i * blocks,
            offsets + i * blocks,
            has_low + i,
            low_stride};
  }
};

// A matrix (or one part of a joined one) in panels. The last panel is padded with zero rows.
struct Panels {
  TensorType type = TensorType::kF32;
  size_t rows = 0;
  size_t cols = 0;
  size_t panel_bytes = 0;
  uint8_t* data = nullptr;

  size_t count() const { return (rows + kPanelRows - 1) / kPanelRows; }
};

// One key-value head of one layer in one block of 16 positions. Keys lie [head_dim][16], so that
// the scores of 16 positions fill a vector; values lie [16][head_dim].
enum class KvElement : uint8_t { kF32, kF16 };

// Attention of some query rows over positions [begin, end) of one sequence, one kv head.
struct AttentionChunk {
  KvElement element = KvElement::kF16;
  size_t head_dim = 0;
  const uint8_t* const* keys = nullptr;    // one per block, blocks counted from begin / 16
  const uint8_t* const* values = nullptr;  // likewise
  uint32_t begin = 0;                      // a multiple of 16
  uint32_t end = 0;                        // at most kChunkPositions behind begin
  // The keys that are wanted next, fetched meanwhile: blocks lie far apart, and the hardware does
  // not guess where. One for each of `keys`, or null.
  const uint8_t* const* next_keys = nullptr;
};
constexpr uint32_t kChunkPositions = 128;
constexpr size_t kMaxHeadDim = 512;

// A query row, and what it sees: positions [from, to].
struct QueryRow {
  const float* query = nullptr;  // [head_dim], scaled
  uint32_t from = 0;
  uint32_t to = 0;
};

// The softmax of a row over the positions seen so far: the weighted sum of values relative to the
// top.
struct AttentionState {
  float top = 0;
  float total = 0;          // 0: nothing seen yet
  float* values = nullptr;  // [head_dim]
};

struct Kernels {
  const char* name;

  // Bytes of a panel; 0 where the type is not supported.
  size_t (*panel_bytes)(TensorType type, size_t cols);
  // True where products with this type read the quantized form of the activations.
  bool (*wants_quantized)(TensorType type);
  // Packs one panel from up to 16 consecutive rows as they lie in a file.
  void (*pack_panel)(const Panels& panels, const uint8_t* rows, size_t n_rows, uint8_t* panel);
  // Dequantizes one row of a packed matrix.
  void (*read_row)(const Panels& panels, size_t row, float* out);

  // out[t * out_stride + r] (=, or += where add) rows [16 * first, 16 * last) of the matrix times
  // row t.
  void (*multiply)(const Panels& panels, size_t first, size_t last, const Activations& x, size_t n,
                   float* out, size_t out_stride, bool add);

  void (*quantize)(const float* x, const Activations& row);
  void (*rms_norm)(const float* x, const float* weight, size_t n, float epsilon, float* out);
  // out[i] = activation(gate[i]) * up[i]
  void (*gate_silu)(const float* gate, const float* up, size_t n, float* out);
  void (*gate_gelu)(const float* gate, const float* up, size_t n, float* out);

  // Writes one position of one kv head.
  void (*store_kv)(KvElement element, const float* key, const float* value, size_t head_dim,
                   size_t slot, uint8_t* keys, uint8_t* values);
  // Overwrites states[i] with row i's attention over the chunk alone.
  void (*attend)(const AttentionChunk& chunk, const QueryRow* rows, size_t n_rows,
                 AttentionState* states);
  // into = into merged with the later part.
  void (*merge)(const AttentionState& part, size_t head_dim, AttentionState& into);
};

extern const Kernels kScalarKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

}  // namespace hearth::model::cpu
