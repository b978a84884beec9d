#include "model/cache/prefix_cache.h"

#include <algorithm>

namespace hearth::model {

void PrefixCache::Insert(std::vector<TokenId> tokens, BlockTable table) {
  if (tokens.empty() || max_entries_ == 0) return;
  if (entries_.size() == max_entries_) EvictOne();
  entries_.push_front({std::move(tokens), std::move(table)});
}

uint32_t PrefixCache::Take(std::span<const TokenId> prompt, BlockTable& table) {
  auto best = entries_.end();
  size_t best_length = 0;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    const auto ends = std::ranges::mismatch(entry->tokens, prompt);
    const auto length = static_cast<size_t>(ends.in1 - entry->tokens.begin());
    if (length > best_length) {
      best = entry;
      best_length = length;
    }
  }
  if (best == entries_.end() || prompt.size() < 2) return 0;
  const auto usable = static_cast<uint32_t>(std::min(best_length, prompt.size() - 1));
  // Handed over only where nothing of it is computed again: a last block that others share must not be
  // written.
  if (usable == best->tokens.size()) {
    table = std::move(best->table);
    entries_.erase(best);
    return usable;
  }
  const uint32_t shared = usable / kBlockTokens * kBlockTokens;
  table.ShareFrom(best->table, shared);
  entries_.splice(entries_.begin(), entries_, best);
  return shared;
}

bool PrefixCache::EvictOne() {
  if (entries_.empty()) return false;
  entries_.pop_back();
  return true;
}

}  // namespace hearth::model
