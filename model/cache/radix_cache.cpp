#include "model/cache/radix_cache.h"

#include <algorithm>
#include <iterator>

namespace hearth::model {

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
    if (match.tokens < kBlockTokens) break;
    node = match.node;
    visit(i, *node);
  }
  return node;
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
  allocator_.Release(node.block);
  by_use_.erase(node.use);
  auto& siblings = node.parent->children;
  const auto at = std::ranges::find(siblings, &node, &std::unique_ptr<Node>::get);
  std::swap(*at, siblings.back());
  siblings.pop_back();
}

void RadixCache::Touch(Node* node) {
  for (; node->parent != nullptr; node = node->parent) {
    by_use_.splice(by_use_.begin(), by_use_, node->use);
  }
}

void RadixCache::Insert(Salt salt, std::span<const TokenId> tokens, BlockTable& table) {
  size_t known = 0;
  Node* node = Walk(Root(salt), tokens, [&](size_t i, const Node& found) {
    if (table.blocks()[i] != found.block) table.SetShared(i, found.block);
    known = i + 1;
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
  Node* node = Walk(Root(salt), tokens, [](size_t, const Node&) {});
  const Match match = Longest(*node, rest);
  Touch(match.tokens == rest.size() ? match.node : Add(*node, rest, table.blocks()[full]));
}

RadixCache::Known RadixCache::Find(Salt salt, std::span<const TokenId> tokens) const {
  Known known;
  const auto root = roots_.find(salt);
  if (root == roots_.end()) return known;
  Walk(const_cast<Node*>(&root->second), tokens, [&](size_t, const Node& node) {
    known.tokens += kBlockTokens;
    known.held_blocks += allocator_.IsShared(node.block);
  });
  return known;
}

uint32_t RadixCache::Share(Salt salt, std::span<const TokenId> tokens, uint32_t computed,
                           BlockTable& table) {
  uint32_t covered = computed;
  Node* node = Walk(Root(salt), tokens, [&](size_t i, const Node& found) {
    const auto end = static_cast<uint32_t>((i + 1) * kBlockTokens);
    if (end <= computed) return;
    table.SetShared(i, found.block);
    covered = end;
  });
  Touch(node);
  return covered;
}

uint32_t RadixCache::CopyTail(Salt salt, std::span<const TokenId> tokens, uint32_t computed,
                              BlockTable& table) {
  const size_t full = computed / kBlockTokens;
  size_t walked = 0;
  Node* node = Walk(Root(salt), tokens.first(full * kBlockTokens),
                    [&](size_t i, const Node&) { walked = i + 1; });
  if (walked != full) return computed;
  const Match match = Longest(*node, tokens.subspan(full * kBlockTokens));
  const auto covered = static_cast<uint32_t>(full * kBlockTokens) + match.tokens;
  if (covered <= computed) return computed;
  if (!table.Reserve(covered)) return computed;
  storage_.CopyBlock(match.node->block, table.blocks()[full]);
  Touch(match.node);
  return covered;
}

bool RadixCache::EvictOne() {
  // What is in use goes to the front: it is met once, not at each eviction.
  for (size_t left = by_use_.size(); left > 0; --left) {
    Node* node = by_use_.back();
    if (node->children.empty() && !allocator_.IsShared(node->block)) {
      Remove(*node);
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
