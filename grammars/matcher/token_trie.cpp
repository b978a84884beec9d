#include "grammars/matcher/token_trie.h"

#include <algorithm>

namespace hearth::grammar {

namespace {

constexpr uint64_t ClassBitOf(uint8_t byte) {
  // Letters one each; what patterns single out one each; the rest by kind.
  if (byte >= 'a' && byte <= 'z') return uint64_t{1} << (byte - 'a');
  if (byte >= 'A' && byte <= 'Z') return uint64_t{1} << (26 + byte - 'A');
  if (byte >= '0' && byte <= '9') return uint64_t{1} << 52;
  switch (byte) {
    case ' ':
      return uint64_t{1} << 53;
    case '_':
      return uint64_t{1} << 54;
    case '-':
      return uint64_t{1} << 55;
    case '.':
      return uint64_t{1} << 56;
    case '/':
      return uint64_t{1} << 57;
    case ':':
      return uint64_t{1} << 58;
    default:
      break;
  }
  if (TokenTrie::IsOddLead(byte)) return TokenTrie::kOddClass;
  if (byte >= 0x80) return TokenTrie::kWideClass;
  if (byte == '"' || byte == '\\') return uint64_t{1} << 61;
  if (byte < 0x20 || byte == 0x7f) return uint64_t{1} << 62;
  return uint64_t{1} << 63;
}

constexpr std::array<uint64_t, 256> MakeClassBits() {
  std::array<uint64_t, 256> bits{};
  for (unsigned b = 0; b < 256; ++b) bits[b] = ClassBitOf(static_cast<uint8_t>(b));
  return bits;
}

}  // namespace

const std::array<uint64_t, 256> TokenTrie::kClassBits = MakeClassBits();

TokenTrie::TokenTrie(std::vector<Spelling> spellings) {
  std::sort(spellings.begin(), spellings.end(), [](const Spelling& a, const Spelling& b) {
    const int order = a.bytes.compare(b.bytes);
    return order != 0 ? order < 0 : a.token < b.token;
  });
  tokens_.reserve(spellings.size());
  std::vector<NodeId> path{kRoot}, parents{kRoot};
  nodes_.push_back({});
  std::string_view last;
  const auto close = [&](size_t depth) {  // the path's nodes deeper than that are complete
    for (; path.size() > depth + 1; path.pop_back()) {
      nodes_[path.back()].end = static_cast<NodeId>(nodes_.size());
    }
  };
  for (const Spelling& s : spellings) {
    size_t common = 0;
    while (common < std::min(last.size(), s.bytes.size()) && last[common] == s.bytes[common]) {
      ++common;
    }
    close(common);
    for (size_t depth = common; depth < s.bytes.size(); ++depth) {
      const auto node = static_cast<NodeId>(nodes_.size());
      ++nodes_[path.back()].child_count;
      parents.push_back(path.back());
      path.push_back(node);
      nodes_.push_back({.tokens = static_cast<uint32_t>(tokens_.size()),
                        .depth = static_cast<uint16_t>(depth + 1),
                        .byte = static_cast<uint8_t>(s.bytes[depth])});
    }
    tokens_.push_back(s.token);
    last = s.bytes;
  }
  close(0);
  nodes_[kRoot].end = static_cast<NodeId>(nodes_.size());

  uint32_t children = 0;
  for (Node& n : nodes_) {
    n.children = children;
    children += n.child_count;
    if (n.child_count > kFewChildren) {
      n.wide = static_cast<uint32_t>(wide_.size());
      wide_.push_back({});
    }
  }
  children_.resize(children);
  child_bytes_.resize(children);
  std::vector<uint16_t> filled(nodes_.size());
  for (NodeId node = 1; node < nodes_.size(); ++node) {
    const Node& parent = nodes_[parents[node]];
    const uint16_t index = filled[parents[node]]++;
    const uint8_t byte = nodes_[node].byte;
    children_[parent.children + index] = node;
    child_bytes_[parent.children + index] = byte;
    if (parent.child_count > kFewChildren) {
      wide_[parent.wide].present.Add(byte);
      wide_[parent.wide].index[byte] = static_cast<uint8_t>(index);
    }
  }
  for (size_t node = nodes_.size(); node-- > 1;) {
    Node& parent = nodes_[parents[node]];
    parent.below |= nodes_[node].below | ClassBit(nodes_[node].byte);
    parent.height =
        std::max(parent.height, static_cast<uint16_t>(std::min(nodes_[node].height + 1, 0xffff)));
  }
  nodes_.push_back({.tokens = static_cast<uint32_t>(tokens_.size())});
}

TokenTrie::NodeId TokenTrie::Child(NodeId node, uint8_t byte) const {
  const Node& n = nodes_[node];
  for (uint32_t i = n.children; i < n.children + n.child_count; ++i) {
    if (child_bytes_[i] == byte) return children_[i];
  }
  return kRoot;
}

}  // namespace hearth::grammar
