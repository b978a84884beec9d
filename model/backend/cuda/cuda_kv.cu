#include <algorithm>

#include "model/backend/cuda/cuda_kv.h"

namespace hearth::model::cuda {

CudaKv::CudaKv(Device& device, const Shape& shape, uint32_t host_blocks, size_t piece_bytes)
    : device_(device),
      type_(shape.type),
      block_bytes_(shape.block_bytes()),
      host_blocks_(host_blocks),
      piece_blocks_(static_cast<uint32_t>(
          std::max<size_t>(1, piece_bytes / std::max<size_t>(1, block_bytes_)))) {}

Result<std::unique_ptr<CudaKv>> CudaKv::Create(Device& device, const Shape& shape,
                                               uint32_t n_blocks, uint32_t host_blocks,
                                               size_t piece_bytes) {
  HEARTH_CHECK_OK(device.Lost());
  std::unique_ptr<CudaKv> kv(new CudaKv(device, shape, host_blocks, piece_bytes));
  const size_t bytes = kv->block_bytes_ * n_blocks;
  if (kv->memory_.TryReserve(device, bytes) != cudaSuccess) {
    return device.TooLarge(Concat("a KV cache of ", size_t{n_blocks} * kBlockTokens, " tokens"),
                           bytes, "Use a shorter context, --kv-type q8_0 or --backend cpu");
  }
  kv->view_ = {kv->memory_.data(), shape.n_layers, shape.n_kv_heads, shape.head_dim,
               KvHalfBytes(shape.type, shape.head_dim)};
  if (host_blocks > 0) {
    kv->last_copy_.resize(n_blocks);
    kv->copies_.emplace(device);
    HEARTH_CHECK_OK(device.Lost());
  }
  return Result<std::unique_ptr<CudaKv>>(std::move(kv));
}

void CudaKv::Await(std::span<const BlockId> blocks) {
  if (!copies_) return;
  uint64_t last = 0;
  // Nothing is on its way as a rule.
  if (!copies_->Done(copies_->count())) {
    for (const BlockId block : blocks) {
      last = std::max(last, last_copy_[static_cast<size_t>(block)]);
    }
  }
  copies_->Await(last);
}

void CudaKv::CopyBlock(BlockId from, BlockId to) {
  const BlockId blocks[] = {from, to};
  Await(blocks);
  device_.Note(cudaMemcpyAsync(OnDevice(to), OnDevice(from), block_bytes_, cudaMemcpyDeviceToDevice,
                               device_.stream()));
}

uint8_t* CudaKv::OnHost(HostBlock block) const {
  const auto at = static_cast<uint32_t>(block);
  return pieces_[at / piece_blocks_].data() + at % piece_blocks_ * block_bytes_;
}

bool CudaKv::ReserveOnHost(HostBlock block) {
  while (static_cast<uint32_t>(block) / piece_blocks_ >= pieces_.size()) {
    const uint32_t before = static_cast<uint32_t>(pieces_.size()) * piece_blocks_;
    PinnedArray<uint8_t> piece;
    if (!piece.TryReserve(std::min(piece_blocks_, host_blocks_ - before) * block_bytes_)) {
      return false;
    }
    pieces_.push_back(std::move(piece));
  }
  return true;
}

bool CudaKv::Save(BlockId from, HostBlock to) {
  if (!ReserveOnHost(to)) return false;
  copies_->Copy(OnHost(to), OnDevice(from), block_bytes_, cudaMemcpyDeviceToHost);
  last_copy_[static_cast<size_t>(from)] = copies_->count();
  return true;
}

void CudaKv::Restore(HostBlock from, BlockId to) {
  copies_->Copy(OnDevice(to), OnHost(from), block_bytes_, cudaMemcpyHostToDevice);
  last_copy_[static_cast<size_t>(to)] = copies_->count();
}

}  // namespace hearth::model::cuda
