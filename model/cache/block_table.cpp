#include "model/cache/block_table.h"

#include <numeric>

namespace hearth::model {

BlockAllocator::BlockAllocator(uint32_t n_blocks) : holders_(n_blocks, 0), free_(n_blocks) {
  std::iota(free_.rbegin(), free_.rend(), 0);
}

BlockId BlockAllocator::Allocate() {
  if (free_.empty()) return -1;
  const BlockId block = free_.back();
  free_.pop_back();
  holders_[static_cast<size_t>(block)] = 1;
  return block;
}

void BlockAllocator::Share(BlockId block) {
  assert(holders_[static_cast<size_t>(block)] > 0);
  ++holders_[static_cast<size_t>(block)];
}

void BlockAllocator::Release(BlockId block) {
  assert(holders_[static_cast<size_t>(block)] > 0);
  if (--holders_[static_cast<size_t>(block)] == 0) free_.push_back(block);
}

BlockTable& BlockTable::operator=(BlockTable&& other) noexcept {
  if (this != &other) {
    Clear();
    allocator_ = other.allocator_;
    blocks_ = std::exchange(other.blocks_, {});
  }
  return *this;
}

bool BlockTable::Reserve(uint32_t tokens) {
  const uint32_t wanted = BlocksFor(tokens);
  if (wanted <= blocks_.size()) return true;
  if (wanted - blocks_.size() > allocator_->free()) return false;
  while (blocks_.size() < wanted) blocks_.push_back(allocator_->Allocate());
  return true;
}

void BlockTable::Truncate(uint32_t tokens) {
  const uint32_t kept = BlocksFor(tokens);
  while (blocks_.size() > kept) {
    allocator_->Release(blocks_.back());
    blocks_.pop_back();
  }
}

void BlockTable::SetShared(size_t i, BlockId block) {
  assert(i <= blocks_.size());
  allocator_->Share(block);
  if (i == blocks_.size()) {
    blocks_.push_back(block);
  } else {
    allocator_->Release(std::exchange(blocks_[i], block));
  }
}

}  // namespace hearth::model
