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
    case '@':
      return uint64_t{1} << 59;
    default:
      break;
  }
  if (byte >= 0x80) return uint64_t{1} << 60;
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
  for (const Spelling& s : spellings) tokens_.push_back(s.token);

  struct Range {
    uint32_t begin, end;
    size_t depth;
  };
  std::vector<Range> ranges{{0, static_cast<uint32_t>(spellings.size()), 0}};
  std::vector<NodeId> parents{0};
  nodes_.push_back({});
  bytes_.push_back(0);
  for (size_t node = 0; node < ranges.size(); ++node) {  // breadth first: children lie together
    const Range range = ranges[node];
    uint32_t i = range.begin;
    while (i < range.end && spellings[i].bytes.size() == range.depth) ++i;
    nodes_[node].tokens = range.begin;
    nodes_[node].all_tokens = range.end - range.begin;
    nodes_[node].own_tokens =
        static_cast<uint16_t>(std::min<uint32_t>(i - range.begin, UINT16_MAX));
    nodes_[node].first_child = static_cast<uint32_t>(nodes_.size());
    ByteSet present;
    while (i < range.end) {
      const auto byte = static_cast<uint8_t>(spellings[i].bytes[range.depth]);
      uint32_t last = i + 1;
      while (last < range.end && static_cast<uint8_t>(spellings[last].bytes[range.depth]) == byte) {
        ++last;
      }
      ranges.push_back({i, last, range.depth + 1});
      parents.push_back(static_cast<NodeId>(node));
      nodes_.push_back({});
      bytes_.push_back(byte);
      ++nodes_[node].children;
      present.Add(byte);
      i = last;
    }
    if (nodes_[node].children > kFewChildren) {
      nodes_[node].child_set = static_cast<uint32_t>(child_sets_.size());
      child_sets_.push_back(present);
    }
  }
  below_.assign(nodes_.size(), 0);
  height_.assign(nodes_.size(), 0);
  for (size_t node = nodes_.size(); node-- > 1;) {
    below_[parents[node]] |= below_[node] | ClassBit(bytes_[node]);
    height_[parents[node]] = std::max<uint16_t>(height_[parents[node]], height_[node] + 1);
  }
}

}  // namespace hearth::grammar
