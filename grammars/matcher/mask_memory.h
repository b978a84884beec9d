// MaskMemory: masks already computed, found again by the structural hash of what the computation
// read.
//
// One per vocabulary, shared by all sequences, threads and grammars of the process; bounded in
// bytes, the least recently used go first. A mask is computed by reading the state on top of the
// stack and some of the frames below it; what lies deeper cannot have mattered. So an entry is
// stored under the hash of exactly those frames, and a shorter hash leads to a signpost that says
// "look further down".
#pragma once

#include <array>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "runtime/base/core/token_set.h"

namespace hearth::grammar {

// base bits (shared, may be null) plus listed ids, ascending and not in the base.
struct Mask {
  std::shared_ptr<const std::vector<uint32_t>> base;
  uint32_t base_id = 0;  // not 0 where the base is one that many masks share
  std::vector<TokenId> list;
  size_t bytes = 0;  // what this mask alone keeps alive
};

class MaskMemory {
 public:
  explicit MaskMemory(size_t max_bytes) : max_bytes_(max_bytes / kShards) {}

  struct Found {
    std::shared_ptr<const Mask>
        mask;  // null with deeper: read one more frame; null without: unknown
    bool deeper = false;
  };
  Found Find(uint64_t key) const;
  void Put(uint64_t key, std::shared_ptr<const Mask> mask) const;
  void PutSignpost(uint64_t key) const;
  size_t bytes() const;

 private:
  static constexpr size_t kShards = 16;
  struct Entry {
    std::shared_ptr<const Mask> mask;  // null: signpost
    std::list<uint64_t>::iterator use;
    size_t bytes = 0;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<uint64_t, Entry> entries;
    std::list<uint64_t> order;  // most recently used first
    size_t bytes = 0;
  };
  Shard& ShardOf(uint64_t key) const { return shards_[key >> 60]; }

  size_t max_bytes_;
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace hearth::grammar
