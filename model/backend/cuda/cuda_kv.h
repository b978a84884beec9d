// CudaKv: keys and values in device memory, and those that had to leave it in pinned memory of the
// host, whence they come back beside the passes of others.
//
// A block is contiguous over all layers and heads (some megabytes of a real model), so each way is
// one copy. Pinned memory is taken in pieces when its first block is written.
//
// Not thread-safe; the device outlives it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "model/backend/cuda/copy_stream.h"
#include "model/backend/cuda/paged_kv.cuh"
#include "model/backend/cuda/pinned_array.h"
#include "model/cache/kv_storage.h"
#include "runtime/base/core/result.h"

namespace hearth::model::cuda {

class CudaKv final : public KvStorage {
 public:
  struct Shape {
    KvType type;
    uint32_t n_layers, n_kv_heads, head_dim;

    size_t block_bytes() const { return 2 * KvHalfBytes(type, head_dim) * n_layers * n_kv_heads; }
  };
  // Fails, with the numbers, where the device has too little memory. Pieces of the host's memory
  // are of `piece_bytes`, or one block.
  static Result<std::unique_ptr<CudaKv>> Create(Device& device, const Shape& shape,
                                                uint32_t n_blocks, uint32_t host_blocks,
                                                size_t piece_bytes = size_t{32} << 20);

  KvType type() const { return type_; }
  const PagedKv& view() const { return view_; }
  // To be called before the device's stream is given what reads or writes these blocks.
  void Await(std::span<const BlockId> blocks);

  void CopyBlock(BlockId from, BlockId to) override;
  uint32_t host_blocks() const override { return host_blocks_; }
  bool Save(BlockId from, HostBlock to) override;
  void Restore(HostBlock from, BlockId to) override;
  uint64_t copies() const override { return copies_ ? copies_->count() : 0; }
  bool Done(uint64_t n) override { return !copies_ || copies_->Done(n); }

 private:
  CudaKv(Device& device, const Shape& shape, uint32_t host_blocks, size_t piece_bytes);
  uint8_t* OnDevice(BlockId block) const {
    return memory_.data() + static_cast<size_t>(block) * block_bytes_;
  }
  uint8_t* OnHost(HostBlock block) const;
  // Takes the piece that the block lies in; false where there is none.
  bool ReserveOnHost(HostBlock block);

  Device& device_;
  const KvType type_;
  const size_t block_bytes_;
  const uint32_t host_blocks_;
  const uint32_t piece_blocks_;
  DeviceArray<uint8_t> memory_;
  PagedKv view_{};
  std::vector<PinnedArray<uint8_t>> pieces_;
  std::vector<uint64_t> last_copy_;   // of each block of the device, either way; 0: none
  std::optional<CopyStream> copies_;  // where there are blocks of the host. Ends first
};

}  // namespace hearth::model::cuda
