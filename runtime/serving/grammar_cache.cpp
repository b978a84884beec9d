#include "runtime/serving/grammar_cache.h"

namespace hearth::serving {
namespace {

// Automaton states that matching makes later, and what the containers cost.
constexpr size_t kOverheadBytes = 4096;

}  // namespace

GrammarCache::Grammar GrammarCache::Find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    ++misses_;
    return nullptr;
  }
  ++hits_;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->grammar;
}

void GrammarCache::Insert(const std::string& key, Grammar grammar) {
  const size_t bytes = 2 * grammar->bytes() + key.size() + kOverheadBytes;
  if (bytes > max_bytes_) return;
  const std::lock_guard lock(mutex_);
  if (by_key_.contains(key)) return;
  entries_.push_front({key, std::move(grammar), bytes});
  by_key_.emplace(entries_.front().key, entries_.begin());
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    bytes_ -= entries_.back().bytes;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

size_t GrammarCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

uint64_t GrammarCache::hits() const {
  const std::lock_guard lock(mutex_);
  return hits_;
}

uint64_t GrammarCache::misses() const {
  const std::lock_guard lock(mutex_);
  return misses_;
}

}  // namespace hearth::serving
