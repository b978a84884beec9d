// The table of CPU kernels: written once (kernels_impl.h) over a small SIMD vocabulary, compiled
// once per instruction set, and one table chosen at start. Kernels work on raw memory of one lane
// and know nothing of threads.
//
// Weights lie in **panels** of 16 rows: lane i of a vector belongs to row i of the panel, so a dot
// product needs no sum across lanes and one activation, broadcast, serves sixteen rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/kv_type.h"
#include "model/tensor_type.h"

namespace hearth::model::cpu {

constexpr size_t kPanelRows = 16;
constexpr size_t kQuantBlock = 32;  // activations are quantized in blocks of this many
constexpr int kPlaneBits = 7;       // a high plane counts 2^7 of a low one

// 32 quantized activations: x = scale * high, of 8 bits, or in a fine block
// x = scale * (high + low / 128), of 15. README.md says which blocks are fine.
struct QuantBlock {
  // -128 times the sum of the block's whole numbers, and of its first 16: takes the offset of
  // unsigned weights off.
  struct Offset {
    int32_t whole;
    int32_t first;
  };
  int8_t high[kQuantBlock];
  int8_t low[kQuantBlock];  // 0 in a coarse block
  float scale;              // max|x| / 127
  float sum;                // of x as quantized
  Offset high_offset;       // of high
  Offset fine_offset;       // of 128 * high + low
};

// Rows of activations, as floats or quantized (a matrix product reads what its weights' type asks
// for).
struct Activations {
  size_t cols = 0;
  float* floats = nullptr;          // [n][cols]
  QuantBlock* blocks = nullptr;     // [n][cols / 32]
  uint64_t* fine_blocks = nullptr;  // [n][words]: a bit for each block

  size_t n_blocks() const { return cols / kQuantBlock; }
  size_t words() const { return (n_blocks() + 63) / 64; }
  Activations Row(size_t i) const {
    return {cols, floats + i * cols, blocks + i * n_blocks(), fine_blocks + i * words()};
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
// the scores of 16 positions fill a vector; values lie [16][head_dim]. With kQ8_0 float scales
// follow: [head_dim / 32][16] behind the keys, [16][head_dim / 32] behind the values.
constexpr size_t kKvQuantBlock = 32;
constexpr size_t KvBytes(KvType type, size_t head_dim) {  // of the keys, or of the values
  switch (type) {
    case KvType::kF32:
      return 4 * 16 * head_dim;
    case KvType::kF16:
    case KvType::kBF16:
      return 2 * 16 * head_dim;
    case KvType::kQ8_0:
    case KvType::kF8E4M3:  // none is made, see CpuKv::Create
      break;
  }
  return 16 * head_dim + 4 * 16 * (head_dim / kKvQuantBlock);
}

// Attention of some query rows over positions [begin, end) of one sequence, one kv head.
struct AttentionChunk {
  KvType type = KvType::kF16;
  size_t head_dim = 0;
  const uint8_t* const* keys = nullptr;    // one per block, blocks counted from begin / 16
  const uint8_t* const* values = nullptr;  // likewise
  uint32_t begin = 0;                      // a multiple of 16
  uint32_t end = 0;                        // at most kChunkPositions behind begin
  float softcap = 0;                       // scores become softcap * tanh(score / softcap); 0: none
  // The keys that are wanted next, fetched meanwhile: blocks lie far apart, and the hardware does
  // not guess where. One for each of `keys`, or null.
  const uint8_t* const* next_keys = nullptr;
};
constexpr uint32_t kChunkPositions = 128;

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
  // row t. `scratch`: scratch_bytes(cols) bytes of the lane's own, aligned to 64.
  void (*multiply)(const Panels& panels, size_t first, size_t last, const Activations& x, size_t n,
                   float* out, size_t out_stride, bool add, uint8_t* scratch);
  size_t (*scratch_bytes)(size_t cols);

  // Blocks whose largest value squared is above `fine_above` times the mean of the row's are fine.
  void (*quantize)(const float* x, float fine_above, const Activations& row);
  void (*rms_norm)(const float* x, const float* weight, size_t n, float epsilon, float* out);
  // out[i] = activation(gate[i]) * up[i]
  void (*gate_silu)(const float* gate, const float* up, size_t n, float* out);
  void (*gate_gelu)(const float* gate, const float* up, size_t n, float* out);

  // x[i] = cap * tanh(x[i] / cap)
  void (*softcap)(float* x, size_t n, float cap);

  // Writes one position of one kv head.
  void (*store_kv)(KvType type, const float* key, const float* value, size_t head_dim, size_t slot,
                   uint8_t* keys, uint8_t* values);
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
