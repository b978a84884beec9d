// TokenTrie: token spellings as a flat prefix tree, children of a node side by side in byte order.
//
// Several tokens may spell the same bytes. A walk goes down only where the automaton lives, so a
// node with many children also carries the set of their bytes: one AND finds the live ones.
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "grammars/matcher/byte_set.h"
#include "runtime/base/core/token_set.h"

namespace hearth::grammar {

class TokenTrie {
 public:
  using NodeId = uint32_t;
  static constexpr NodeId kRoot = 0;
  struct Spelling {
    std::string_view bytes;
    TokenId token;
  };

  TokenTrie() : TokenTrie(std::vector<Spelling>()) {}
  // Sorts the spellings; empty ones are tokens of the root.
  explicit TokenTrie(std::vector<Spelling> spellings);

  bool empty() const { return tokens_.empty(); }
  size_t size() const { return nodes_.size(); }
  // The tokens that end exactly at the node.
  std::span<const TokenId> Tokens(NodeId node) const {
    return {tokens_.data() + nodes_[node].tokens, nodes_[node].own_tokens};
  }
  // The tokens that end at the node or below it.
  std::span<const TokenId> Subtree(NodeId node) const {
    return {tokens_.data() + nodes_[node].tokens, nodes_[node].all_tokens};
  }
  bool HasChildren(NodeId node) const { return nodes_[node].children != 0; }
  NodeId FirstChild(NodeId node) const { return nodes_[node].first_child; }
  uint32_t ChildCount(NodeId node) const { return nodes_[node].children; }
  uint8_t Byte(NodeId node) const { return bytes_[node]; }
  // Classes (see ClassOf) of the bytes below the node.
  uint64_t BytesBelow(NodeId node) const { return below_[node]; }
  // Bytes of the longest spelling below the node.
  uint32_t Height(NodeId node) const { return height_[node]; }
  // One of 64 classes: letters and the common marks have one each.
  static constexpr uint64_t kWideClass = uint64_t{1} << 60;        // bytes of multi-byte characters
  static constexpr uint64_t kPlainClasses = ~(uint64_t{7} << 60);  // ASCII that JSON never escapes
  static uint64_t ClassBit(uint8_t byte) { return kClassBits[byte]; }

  // Calls visit(child, byte) for each child whose byte is in `live`.
  template <typename Visit>
  void ForEachChild(NodeId node, const ByteSet& live, Visit&& visit) const {
    const Node& n = nodes_[node];
    if (n.children <= kFewChildren) {
      for (uint32_t i = 0; i < n.children; ++i) {
        const uint8_t byte = bytes_[n.first_child + i];
        if (live.Has(byte)) visit(n.first_child + i, byte);
      }
      return;
    }
    const ByteSet& present = child_sets_[n.child_set];
    uint32_t before = 0;
    for (size_t w = 0; w < 4; ++w) {
      const uint64_t here = present.words[w];
      for (uint64_t both = here & live.words[w]; both != 0; both &= both - 1) {
        const int bit = std::countr_zero(both);
        const uint64_t below = here & ((uint64_t{1} << bit) - 1);
        visit(n.first_child + before + static_cast<uint32_t>(std::popcount(below)),
              static_cast<uint8_t>(w * 64 + static_cast<size_t>(bit)));
      }
      before += static_cast<uint32_t>(std::popcount(here));
    }
  }

 private:
  static const std::array<uint64_t, 256> kClassBits;
  static constexpr uint32_t kFewChildren = 6;
  struct Node {
    uint32_t first_child = 0;
    uint32_t tokens = 0;      // into tokens_, depth first
    uint32_t all_tokens = 0;  // from there, of the whole subtree
    uint16_t own_tokens = 0;
    uint16_t children = 0;
    uint32_t child_set = 0;
  };

  std::vector<Node> nodes_;
  std::vector<uint8_t> bytes_;
  std::vector<uint64_t> below_;
  std::vector<uint16_t> height_;
  std::vector<TokenId> tokens_;
  std::vector<ByteSet> child_sets_;
};

}  // namespace hearth::grammar
