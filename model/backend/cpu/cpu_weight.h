// Weights and KV memory as the CPU backend lays them out.
#pragma once

#include <span>
#include <vector>

#include "model/backend/backend.h"
#include "model/backend/cpu/aligned.h"
#include "model/backend/cpu/kernels.h"
#include "model/backend/cpu/lanes.h"

namespace hearth::model::cpu {

// A vector, or a matrix whose parts (of types of their own) follow each other by rows.
struct CpuWeight : Weight {
  struct Part {
    Panels panels;
    size_t first_row = 0;
  };
  std::vector<float> vector;
  std::vector<Part> parts;
  bool wants_quantized = false;
  AlignedBuffer memory;

  size_t bytes() const override;

  static Result<WeightPtr> FromVectors(std::span<const TensorInfo* const> parts);
  // Packs on all lanes.
  static Result<WeightPtr> FromMatrices(std::span<const TensorInfo* const> parts,
                                        const Kernels& kernels, Lanes& lanes);
};

// [block][layer][kv_head]{keys, values} (kernels.h): a block is contiguous over
// all layers, so it can be shared, moved and written to disk as one piece.
class CpuKv : public OneMemoryKvStorage {
 public:
  using OneMemoryKvStorage::OneMemoryKvStorage;  // Create makes them
  static Result<std::unique_ptr<CpuKv>> Create(const ModelConfig& config, uint32_t n_blocks,
                                               uint32_t host_blocks, KvType type);
  static size_t BlockBytes(const ModelConfig& config, KvType type);
  KvType type() const { return type_; }
  void CopyBlock(BlockId from, BlockId to) override;
  uint8_t* keys(BlockId block, uint32_t layer, uint32_t kv_head) const {
    const size_t head = (static_cast<size_t>(block) * n_layers_ + layer) * n_kv_heads_ + kv_head;
    return memory_.data() + head * 2 * half_bytes_;
  }
  uint8_t* values(BlockId block, uint32_t layer, uint32_t kv_head) const {
    return keys(block, layer, kv_head) + half_bytes_;
  }

 private:
  KvType type_ = KvType::kF16;
  size_t n_layers_ = 0;
  size_t n_kv_heads_ = 0;
  size_t half_bytes_ = 0;  // keys (or values) of one head in one block
  AlignedBuffer memory_;
};

}  // namespace hearth::model::cpu
