// GrammarCache: compiled grammars by what they were made of, the least recently used leave first.
//
// Bounded in bytes, so that any number of distinct schemas costs no more. Thread-safe.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "grammars/compiled_grammar.h"

namespace hearth::serving {

class GrammarCache {
 public:
  using Grammar = std::shared_ptr<const grammar::CompiledGrammar>;
  explicit GrammarCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  Grammar Find(const std::string& key);
  // A grammar larger than the whole cache is not kept.
  void Insert(const std::string& key, Grammar grammar);

  size_t bytes() const;
  uint64_t hits() const;
  uint64_t misses() const;

 private:
  struct Entry {
    std::string key;
    Grammar grammar;
    size_t bytes;
  };
  const size_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
  size_t bytes_ = 0;
  uint64_t hits_ = 0, misses_ = 0;
};

}  // namespace hearth::serving
