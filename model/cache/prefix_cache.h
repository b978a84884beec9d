// PrefixCache: the KV of sequences that have ended, for those that begin like them.
//
// Holds whole sequences, the least recently used leave first. A sequence that a request continues
// is handed over with all its blocks; otherwise the full blocks of the longest common beginning are
// shared. Not thread-safe. A look-up compares tokens with each entry: O(entries * common length).
#pragma once

#include <list>
#include <span>
#include <vector>

#include "model/cache/block_table.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

class PrefixCache {
 public:
  explicit PrefixCache(size_t max_entries) : max_entries_(max_entries) {}

  // `tokens` are those whose KV lies in the table.
  void Insert(std::vector<TokenId> tokens, BlockTable table);
  // Fills the empty table with KV of a beginning of `prompt` and returns how many tokens that
  // covers: at most all but the last, whose logits are wanted.
  uint32_t Take(std::span<const TokenId> prompt, BlockTable& table);
  // Drops the entry that was used longest ago; false where there is none.
  bool EvictOne();
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::vector<TokenId> tokens;
    BlockTable table;
  };
  size_t max_entries_;
  std::list<Entry> entries_;  // most recently used first
};

}  // namespace hearth::model
