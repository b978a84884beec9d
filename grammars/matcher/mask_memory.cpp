#include "grammars/matcher/mask_memory.h"

namespace hearth::grammar {

namespace {
constexpr size_t kEntryBytes = 160;  // map node, list node, control block
}  // namespace

MaskMemory::Found MaskMemory::Find(uint64_t key) const {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto it = shard.entries.find(key);
  if (it == shard.entries.end()) return {};
  if (it->second.use != shard.order.begin()) {
    shard.order.splice(shard.order.begin(), shard.order, it->second.use);
  }
  return {it->second.mask, it->second.mask == nullptr};
}

void MaskMemory::Put(uint64_t key, std::shared_ptr<const Mask> mask) const {
  Shard& shard = ShardOf(key);
  const size_t bytes = kEntryBytes + (mask == nullptr ? 0 : mask->bytes);
  const std::lock_guard lock(shard.mutex);
  const auto [it, fresh] = shard.entries.try_emplace(key);
  if (!fresh) return;
  shard.order.push_front(key);
  it->second = {std::move(mask), shard.order.begin(), bytes};
  shard.bytes += bytes;
  while (shard.bytes > max_bytes_ && shard.order.size() > 1) {
    const auto oldest = shard.entries.find(shard.order.back());
    shard.bytes -= oldest->second.bytes;
    shard.entries.erase(oldest);
    shard.order.pop_back();
  }
}

void MaskMemory::PutSignpost(uint64_t key) const { Put(key, nullptr); }

size_t MaskMemory::bytes() const {
  size_t total = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    total += shard.bytes;
  }
  return total;
}

}  // namespace hearth::grammar
