#include "model/cache/radix_cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hearth::model {

RadixCache::RadixCache(BlockAllocator& allocator, KvStorage& storage)
    : allocator_(allocator),
      storage_(storage),
      host_end_(static_cast<HostBlock>(storage.host_blocks())) {}

RadixCache::~RadixCache() {
  for (const Node* node : by_use_) allocator_.Release(node->block);
}

RadixCache::Node* RadixCache::Root(Salt salt) {
  // Salts may be many (each scale of an adapter is one); those without a text are let go then.
  constexpr size_t kMostRoots = 1024;
  const auto known = roots_.find(salt);
  if (known != roots_.end()) return &known->second;
  if (roots_.size() >= kMostRoots) {
    std::erase_if(roots_, [](const auto& root) { return root.second.children.empty(); });
  }
  return &roots_[salt];
}

RadixCache::Match RadixCache::Longest(const Node& node, std::span<const TokenId> tokens) {
  Match best;
  for (const auto& child : node.children) {
    const auto most = std::min<size_t>(child->count, tokens.size());
    const auto ends = std::mismatch(tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(most),
                                    child->tokens.begin());
    const auto equal = static_cast<uint32_t>(ends.first - tokens.begin());
    if (equal > best.tokens) best = {child.get(), equal};
  }
  return best;
}

template <typename Visit>
RadixCache::Node* RadixCache::Walk(Node* root, std::span<const TokenId> tokens, Visit visit) {
  Node* node = root;
  for (size_t i = 0; (i + 1) * kBlockTokens <= tokens.size(); ++i) {
    const Match match = Longest(*node, tokens.subspan(i * kBlockTokens, kBlockTokens));
    if (match.tokens < kBlockTokens || !visit(i, *match.node)) break;
    node = match.node;
  }
  return node;
}

// The table's block i and the node's become one.
void RadixCache::TakeShare(Node& node, size_t i, BlockTable& table) {
  if (node.spilled()) {
    allocator_.Share(table.blocks()[i]);
    Return(node, table.blocks()[i]);
  } else if (i >= table.blocks().size() || table.blocks()[i] != node.block) {
    table.SetShared(i, node.block);
  }
}

RadixCache::Node* RadixCache::Add(Node& parent, std::span<const TokenId> tokens, BlockId block) {
  // A part of what comes now is of no more use.
  for (size_t i = 0; i < parent.children.size(); ++i) {
    Node& child = *parent.children[i];
    if (child.count < tokens.size() &&
        std::equal(tokens.begin(), tokens.begin() + child.count, child.tokens.begin())) {
      Remove(child);
      break;
    }
  }
  assert(parent.parent == nullptr || !parent.spilled());
  Node& node = *parent.children.emplace_back(std::make_unique<Node>());
  node.parent = &parent;
  std::ranges::copy(tokens, node.tokens.begin());
  node.count = static_cast<uint32_t>(tokens.size());
  node.block = block;
  by_use_.push_front(&node);
  node.use = by_use_.begin();
  allocator_.Share(block);
  return &node;
}

void RadixCache::Remove(Node& node) {
  assert(node.children.empty());
  if (node.host >= 0) {
    free_host_.push_back(node.host);
    if (!node.spilled()) copied_.erase(node.copy);
  }
  (node.spilled() ? spilled_ : by_use_).erase(node.use);
  if (!node.spilled()) allocator_.Release(node.block);
  auto& siblings = node.parent->children;
  const auto at = std::ranges::find(siblings, &node, &std::unique_ptr<Node>::get);
  std::swap(*at, siblings.back());
  siblings.pop_back();
}

void RadixCache::Touch(Node* node) {
  for (; node->parent != nullptr; node = node->parent) {
    auto& line = node->spilled() ? spilled_ : by_use_;
    line.splice(line.begin(), line, node->use);
  }
}

HostBlock RadixCache::TakeHostBlock() {
  if (free_host_.empty() && next_host_ < host_end_) return next_host_++;
  if (free_host_.empty() && !copied_.empty()) {
    Node& node = *copied_.front();
    copied_.pop_front();
    return std::exchange(node.host, -1);
  }
  // Those with children go to the front, as in EvictOne. There is a leaf: all below them is here.
  while (free_host_.empty() && !spilled_.empty()) {
    Node& node = *spilled_.back();
    if (node.children.empty()) {
      Remove(node);
      ++counts_.lost;
    } else {
      spilled_.splice(spilled_.begin(), spilled_, node.use);
    }
  }
  if (free_host_.empty()) return -1;
  const HostBlock block = free_host_.back();
  free_host_.pop_back();
  return block;
}

bool RadixCache::Spill(Node& node) {
  if (node.host >= 0) {
    copied_.erase(node.copy);
  } else {
    while ((node.host = TakeHostBlock()) >= 0 && !storage_.Save(node.block, node.host)) {
      host_end_ = std::exchange(node.host, -1);  // never used: no memory for it and those behind
    }
    if (node.host < 0) return false;
  }
  allocator_.Release(std::exchange(node.block, -1));
  spilled_.splice(spilled_.begin(), by_use_, node.use);
  ++counts_.spilled;
  return true;
}

void RadixCache::Return(Node& node, BlockId block) {
  assert(node.parent->parent == nullptr || !node.parent->spilled());
  node.block = block;
  by_use_.splice(by_use_.begin(), spilled_, node.use);
  node.copy = copied_.insert(copied_.end(), &node);
}

bool RadixCache::Restore(Node& node) {
  // Nobody finds it while others make room, so it is not lost for them.
  std::list<Node*> held;
  held.splice(held.begin(), spilled_, node.use);
  BlockId block = allocator_.Allocate();
  while (block < 0 && EvictOne()) block = allocator_.Allocate();
  spilled_.splice(spilled_.begin(), held);
  if (block < 0) return false;
  storage_.Restore(node.host, block);
  Return(node, block);
  ++counts_.restored;
  return true;
}

void RadixCache::Insert(Salt salt, std::span<const TokenId> tokens, BlockTable& table) {
  size_t known = 0;
  Node* node = Walk(Root(salt), tokens, [&](size_t i, Node& found) {
    TakeShare(found, i, table);
    known = i + 1;
    return true;
  });
  for (size_t i = known; (i + 1) * kBlockTokens <= tokens.size(); ++i) {
    node = Add(*node, tokens.subspan(i * kBlockTokens, kBlockTokens), table.blocks()[i]);
  }
  Touch(node);
}

void RadixCache::InsertEnded(Salt salt, std::span<const TokenId> tokens, BlockTable& table) {
  Insert(salt, tokens, table);
  const size_t full = tokens.size() / kBlockTokens;
  const std::span<const TokenId> rest = tokens.subspan(full * kBlockTokens);
  if (rest.empty()) return;
  Node* node = Walk(Root(salt), tokens, [](size_t, const Node&) { return true; });
  const Match match = Longest(*node, rest);
  Touch(match.tokens == rest.size() ? match.node : Add(*node, rest, table.blocks()[full]));
}

RadixCache::Known RadixCache::Find(Salt salt, std::span<const TokenId> tokens) const {
  Known known;
  const auto root = roots_.find(salt);
  if (root == roots_.end()) return known;
  Walk(const_cast<Node*>(&root->second), tokens, [&](size_t, const Node& node) {
    known.tokens += kBlockTokens;
    known.held_blocks += !node.spilled() && allocator_.IsShared(node.block);
    return true;
  });
  return known;
}

uint32_t RadixCache::Share(Salt salt, std::span<const TokenId> tokens, uint32_t computed,
                           BlockTable& table) {
  uint32_t covered = computed;
  // What is still to come back is not to leave for what comes back first.
  if (!spilled_.empty()) Touch(Walk(Root(salt), tokens, [](size_t, const Node&) { return true; }));
  // The table holds all on the way, so nothing above a block that comes back leaves.
  Node* const last = Walk(Root(salt), tokens, [&](size_t i, Node& found) {
    const auto end = static_cast<uint32_t>((i + 1) * kBlockTokens);
    if (end > computed && found.spilled() && !Restore(found)) return false;
    TakeShare(found, i, table);
    covered = std::max(covered, end);
    return true;
  });
  Touch(last);
  return covered;
}

uint32_t RadixCache::CopyTail(Salt salt, std::span<const TokenId> tokens, uint32_t computed,
                              BlockTable& table) {
  const size_t full = computed / kBlockTokens;
  size_t walked = 0;
  Node* node = Walk(Root(salt), tokens.first(full * kBlockTokens), [&](size_t i, const Node&) {
    walked = i + 1;
    return true;
  });
  if (walked != full) return computed;
  const Match match = Longest(*node, tokens.subspan(full * kBlockTokens));
  const auto covered = static_cast<uint32_t>(full * kBlockTokens) + match.tokens;
  if (covered <= computed) return computed;
  if (!table.Reserve(covered)) return computed;
  if (match.node->spilled()) {
    storage_.Restore(match.node->host, table.blocks()[full]);
    ++counts_.restored;
  } else {
    storage_.CopyBlock(match.node->block, table.blocks()[full]);
  }
  Touch(match.node);
  return covered;
}

bool RadixCache::EvictOne() {
  // What is in use goes to the front: it is met once, not at each eviction.
  for (size_t left = by_use_.size(); left > 0; --left) {
    Node* node = by_use_.back();
    if (std::ranges::all_of(node->children, &Node::spilled) && !allocator_.IsShared(node->block)) {
      if (!Spill(*node)) {
        Remove(*node);
        ++counts_.lost;
      }
      return true;
    }
    by_use_.splice(by_use_.begin(), by_use_, node->use);
  }
  return false;
}

uint32_t RadixCache::evictable() const {
  return static_cast<uint32_t>(std::ranges::count_if(
      by_use_, [&](const Node* node) { return !allocator_.IsShared(node->block); }));
}

}  // namespace hearth::model
