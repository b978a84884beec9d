// TokenTrie: token spellings as a flat prefix tree in depth-first order.
//
// Several tokens may spell the same bytes. Two ways to walk it: down only where an automaton lives
// (ForEachChild: the bytes of a node's children lie together, and a node with many children also
// carries their set, so one AND finds the live ones), or over all nodes in the order in which they
// lie, jumping over what is below a node by going on at its `end`.
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
    std::string_view bytes;  // at most 65,535
    TokenId token;
  };
  struct Node {
    uint32_t children = 0;  // where they begin in the list of all nodes' children
    uint32_t tokens = 0;    // where the subtree's begin among all tokens, its own first
    NodeId end = 0;         // the first node that is not below
    uint32_t wide = 0;      // with more than kFewChildren: which of those
    uint64_t below = 0;     // ClassBit of the bytes below
    uint16_t child_count = 0;
    uint16_t height = 0;  // bytes of the longest spelling below
    uint16_t depth = 0;
    uint8_t byte = 0;
  };

  TokenTrie() : TokenTrie(std::vector<Spelling>()) {}
  // Sorts the spellings; empty ones are tokens of the root.
  explicit TokenTrie(std::vector<Spelling> spellings);

  NodeId size() const { return static_cast<NodeId>(nodes_.size() - 1); }
  const Node& node(NodeId node) const { return nodes_[node]; }
  // The tokens that end exactly at the node.
  std::span<const TokenId> Tokens(NodeId node) const {
    return {tokens_.data() + nodes_[node].tokens, tokens_.data() + nodes_[node + 1].tokens};
  }
  // The tokens that end at the node or below it.
  std::span<const TokenId> Subtree(NodeId node) const {
    return {tokens_.data() + nodes_[node].tokens,
            tokens_.data() + nodes_[nodes_[node].end].tokens};
  }
  bool HasChildren(NodeId node) const { return nodes_[node].child_count != 0; }
  // The child by that byte, or kRoot.
  NodeId Child(NodeId node, uint8_t byte) const;

  // One of 64 classes: letters and the common marks have one each. Of multi-byte characters, those
  // of a few first bytes (no-break and other spaces, Latin-1 signs, full-width forms) are where
  // patterns make a difference; a character's other bytes are of the wide class.
  static constexpr uint64_t kOddClass = uint64_t{1} << 59;
  static constexpr uint64_t kWideClass = uint64_t{1} << 60;
  static constexpr uint64_t kPlainClasses = ~(uint64_t{15} << 59);  // ASCII that JSON never escapes
  static uint64_t ClassBit(uint8_t byte) { return kClassBits[byte]; }
  static constexpr bool IsOddLead(uint8_t byte) {
    return byte == 0xc2 || (byte >= 0xe1 && byte <= 0xe3) || byte == 0xef;
  }
  // The same of a character beyond ASCII.
  static constexpr bool IsOdd(uint32_t c) {
    return c < 0xc0 || (c >= 0x1000 && c < 0x4000) || (c >= 0xf000 && c < 0x10000);
  }

  // Calls visit(child, byte) for each child whose byte is in `live`.
  template <typename Visit>
  void ForEachChild(NodeId node, const ByteSet& live, Visit&& visit) const {
    const Node& n = nodes_[node];
    if (n.child_count <= kFewChildren) {
      for (uint32_t i = n.children; i < n.children + n.child_count; ++i) {
        if (live.Has(child_bytes_[i])) visit(children_[i], child_bytes_[i]);
      }
      return;
    }
    const Wide& wide = wide_[n.wide];
    for (size_t w = 0; w < 4; ++w) {
      for (uint64_t both = wide.present.words[w] & live.words[w]; both != 0; both &= both - 1) {
        const size_t byte = w * 64 + static_cast<size_t>(std::countr_zero(both));
        visit(children_[n.children + wide.index[byte]], static_cast<uint8_t>(byte));
      }
    }
  }

 private:
  static const std::array<uint64_t, 256> kClassBits;
  static constexpr uint32_t kFewChildren = 6;
  struct Wide {
    ByteSet present;
    std::array<uint8_t, 256> index{};  // of the child by that byte
  };

  std::vector<Node> nodes_;  // and one behind the last
  std::vector<NodeId> children_;
  std::vector<uint8_t> child_bytes_;
  std::vector<TokenId> tokens_;
  std::vector<Wide> wide_;
};

}  // namespace hearth::grammar
