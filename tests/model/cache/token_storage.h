// TokenStorage: KV memory whose positions remember the whole beginning of the text that was
// computed there (as a hash), so that a test can tell whether KV is what it is taken for.
#pragma once

#include <map>
#include <span>
#include <stdexcept>
#include <utility>

#include "model/cache/kv_storage.h"
#include "runtime/base/core/token_set.h"

namespace hearth::test {

using model::BlockAllocator;
using model::BlockId;
using model::BlockTable;
using model::kBlockTokens;

class TokenStorage : public model::KvStorage {
 public:
  // Of the host's blocks, `of_them_there` have memory; the others turn out to have none.
  explicit TokenStorage(uint32_t host_blocks = 0, uint32_t of_them_there = UINT32_MAX)
      : host_blocks_(host_blocks), there_(of_them_there) {}

  void CopyBlock(BlockId from, BlockId to) override {
    for (uint32_t i = 0; i < kBlockTokens; ++i) {
      const auto at = positions_.find({from, i});
      if (at == positions_.end()) {
        positions_.erase({to, i});
      } else {
        positions_[{to, i}] = at->second;
      }
    }
  }
  uint32_t host_blocks() const override { return host_blocks_; }
  bool Save(BlockId from, model::HostBlock to) override {
    if (to < 0 || static_cast<uint32_t>(to) >= host_blocks_) throw std::runtime_error("no place");
    if (static_cast<uint32_t>(to) >= there_) return false;
    CopyBlock(from, Behind(to));
    ++saved;
    return true;
  }
  void Restore(model::HostBlock from, BlockId to) override {
    CopyBlock(Behind(from), to);
    ++restored;
  }
  uint64_t copies() const override { return saved + restored; }
  bool Done(uint64_t copies) override { return copies <= done; }

  uint64_t saved = 0, restored = 0;
  uint64_t done = UINT64_MAX;  // of the copies, for who asks
  // tokens [first, last) behind those before them. Takes blocks as they are wanted.
  void Compute(BlockTable& table, std::span<const TokenId> tokens, uint32_t first, uint32_t last) {
    uint64_t hash = 0;
    for (uint32_t p = 0; p < last; ++p) {
      hash = Extend(hash, tokens[p]);
      if (p < first) continue;
      if (!table.Reserve(p + 1)) throw std::runtime_error("no block is free");
      positions_[{table.blocks()[p / kBlockTokens], p % kBlockTokens}] = hash;
    }
  }
  bool Holds(const BlockTable& table, std::span<const TokenId> tokens) const {
    uint64_t hash = 0;
    for (uint32_t p = 0; p < tokens.size(); ++p) {
      hash = Extend(hash, tokens[p]);
      const auto at = positions_.find({table.blocks()[p / kBlockTokens], p % kBlockTokens});
      if (at == positions_.end() || at->second != hash) return false;
    }
    return true;
  }

 private:
  static uint64_t Extend(uint64_t hash, TokenId token) {
    return (hash ^ (static_cast<uint64_t>(token) + 1)) * 0x9e3779b97f4a7c15u + (hash >> 29);
  }
  static BlockId Behind(model::HostBlock block) { return -1 - block; }

  const uint32_t host_blocks_, there_;
  std::map<std::pair<BlockId, uint32_t>, uint64_t> positions_;
};

inline BlockTable Computed(BlockAllocator& allocator, TokenStorage& storage,
                           std::span<const TokenId> tokens) {
  BlockTable table(allocator);
  storage.Compute(table, tokens, 0, static_cast<uint32_t>(tokens.size()));
  return table;
}

}  // namespace hearth::test
