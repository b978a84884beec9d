#include "grammars/matcher/mask_memory.h"

namespace hearth::grammar {

namespace {
constexpr size_t kEntryBytes = 128;  // the entry, control blocks, what the allocator adds
}  // namespace

MaskMemory::Index MaskMemory::Shard::Find(uint64_t key) {
  Index i = ChainOf(key);
  while (i != 0 && At(i).key != key) i = At(i).next;
  return i;
}

void MaskMemory::Shard::Unlink(Entry& entry) {
  (entry.newer != 0 ? At(entry.newer).older : newest) = entry.older;
  (entry.older != 0 ? At(entry.older).newer : oldest) = entry.newer;
}

void MaskMemory::Shard::LinkNewest(Index i) {
  Entry& entry = At(i);
  entry.newer = 0;
  entry.older = newest;
  (newest != 0 ? At(newest).newer : oldest) = i;
  newest = i;
}

void MaskMemory::Shard::DropOldest() {
  const Index i = oldest;
  Entry& entry = At(i);
  Index* link = &ChainOf(entry.key);
  while (*link != i) link = &At(*link).next;
  *link = entry.next;
  Unlink(entry);
  bytes -= entry.bytes;
  entry.mask = nullptr;
  unused.push_back(i);
}

MaskMemory::Index MaskMemory::Shard::Take() {
  if (!unused.empty()) {
    const Index i = unused.back();
    unused.pop_back();
    return i;
  }
  ++count;
  if (count / kChunk >= chunks.size()) {
    chunks.push_back(std::make_unique<std::array<Entry, kChunk>>());
  }
  return count;
}

MaskMemory::Found MaskMemory::Find(uint64_t key) const {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const Index i = shard.Find(key);
  if (i == 0) return {};
  Entry& entry = shard.At(i);
  if (i != shard.newest) {
    shard.Unlink(entry);
    shard.LinkNewest(i);
  }
  return {entry.mask, entry.mask == nullptr};
}

void MaskMemory::Put(uint64_t key, std::shared_ptr<const Mask> mask) const {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  if (shard.Find(key) != 0) return;
  const Index i = shard.Take();
  Entry& entry = shard.At(i);
  entry.key = key;
  entry.bytes = static_cast<uint32_t>(kEntryBytes + (mask == nullptr ? 0 : mask->bytes));
  entry.mask = std::move(mask);
  entry.next = shard.ChainOf(key);
  shard.ChainOf(key) = i;
  shard.LinkNewest(i);
  shard.bytes += entry.bytes;
  while (shard.bytes > max_bytes_ && shard.oldest != i) shard.DropOldest();
}

void MaskMemory::PutSignpost(uint64_t key) const { Put(key, nullptr); }

void MaskMemory::Clear() const {
  for (Shard& shard : *shards_) {
    const std::lock_guard lock(shard.mutex);
    while (shard.oldest != 0) shard.DropOldest();
  }
}

size_t MaskMemory::bytes() const {
  size_t total = 0;
  for (Shard& shard : *shards_) {
    const std::lock_guard lock(shard.mutex);
    total += shard.bytes;
  }
  return total;
}

}  // namespace hearth::grammar
