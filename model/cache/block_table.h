// Paged KV memory: fixed blocks of kBlockTokens positions, handed out by a BlockAllocator and held
// in order by one BlockTable per sequence. Blocks are counted, so sequences share the blocks of a
// common prefix. What lies in a block is the backend's business (KvStorage). After: Kwon et al.,
// "Efficient Memory Management for LLM Serving with PagedAttention", 2023.
#pragma once

#include <cassert>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace hearth::model {

using BlockId = int32_t;
constexpr uint32_t kBlockTokens = 16;

// Not thread-safe: it belongs to the engine's thread. Every operation is O(1).
class BlockAllocator {
 public:
  explicit BlockAllocator(uint32_t n_blocks);

  // Returns -1 when every block is taken.
  BlockId Allocate();
  void Share(BlockId block);    // one more holder
  void Release(BlockId block);  // one holder less; the last one frees it
  bool IsShared(BlockId block) const { return holders_[static_cast<size_t>(block)] > 1; }
  uint32_t capacity() const { return static_cast<uint32_t>(holders_.size()); }
  uint32_t free() const { return static_cast<uint32_t>(free_.size()); }

 private:
  std::vector<uint32_t> holders_;
  std::vector<BlockId> free_;  // a stack: what was freed last is warm in the cache
};

// The blocks of one sequence, position 0 first. Owns its share of each; moves, does not copy.
class BlockTable {
 public:
  explicit BlockTable(BlockAllocator& allocator) : allocator_(&allocator) {}
  BlockTable(BlockTable&& other) noexcept
      : allocator_(other.allocator_), blocks_(std::exchange(other.blocks_, {})) {}
  BlockTable& operator=(BlockTable&& other) noexcept;
  ~BlockTable() { Clear(); }

  // Makes room for `tokens` positions; false (and no change) where blocks are wanting.
  bool Reserve(uint32_t tokens);
  // Drops what lies wholly behind position `tokens`.
  void Truncate(uint32_t tokens);
  void Clear() { Truncate(0); }
  // Block i (one behind the last appends) becomes `block`, of which the table takes a share.
  void SetShared(size_t i, BlockId block);
  // Takes room for the list itself, so that Reserve up to so many positions takes no memory.
  void ReserveList(uint32_t tokens) { blocks_.reserve(BlocksFor(tokens)); }

  std::span<const BlockId> blocks() const { return blocks_; }
  static uint32_t BlocksFor(uint32_t tokens) { return (tokens + kBlockTokens - 1) / kBlockTokens; }

 private:
  BlockAllocator* allocator_;
  std::vector<BlockId> blocks_;
};

}  // namespace hearth::model
