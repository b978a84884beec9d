// MaskMemory: masks already computed, found again by the structural hash of what the computation
// read.
//
// One per vocabulary, shared by all sequences, threads and grammars of the process; bounded in
// bytes, the least recently used go first. A mask is computed by reading the state on top of the
// stack and some of the frames below it; what lies deeper cannot have mattered. So an entry is
// stored under the hash of exactly those frames, and a shorter hash leads to a signpost that says
// "look further down".
//
// A look-up and an insertion take bounded time: nothing is ever moved or rehashed.
#pragma once

#include <array>
#include <memory>
#include <mutex>
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
  // Forgets everything.
  void Clear() const;
  size_t bytes() const;

 private:
  static constexpr size_t kShards = 16;
  static constexpr size_t kChains = 8192;  // of one shard
  static constexpr size_t kChunk = 128;    // entries
  using Index = uint32_t;                  // of an entry; 0: none
  struct Entry {
    uint64_t key = 0;
    std::shared_ptr<const Mask> mask;  // null: signpost
    uint32_t bytes = 0;
    Index next = 0;              // in its chain
    Index newer = 0, older = 0;  // in the order of use
  };
  struct Shard {
    mutable std::mutex mutex;
    std::array<Index, kChains> chains{};
    std::vector<std::unique_ptr<std::array<Entry, kChunk>>> chunks;
    std::vector<Index> unused;
    Index newest = 0, oldest = 0, count = 0;  // entry 0 is never used
    size_t bytes = 0;

    Entry& At(Index i) { return (*chunks[i / kChunk])[i % kChunk]; }
    Index& ChainOf(uint64_t key) { return chains[key % kChains]; }
    Index Find(uint64_t key);
    void Unlink(Entry& entry);
    void LinkNewest(Index i);
    void DropOldest();
    Index Take();
  };
  Shard& ShardOf(uint64_t key) const { return (*shards_)[key >> 60]; }

  size_t max_bytes_;
  std::unique_ptr<std::array<Shard, kShards>> shards_ =
      std::make_unique<std::array<Shard, kShards>>();
};

}  // namespace hearth::grammar
