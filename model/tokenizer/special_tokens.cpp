#include "model/tokenizer/special_tokens.h"

#include <algorithm>

namespace hearth::model {
namespace {

uint64_t Edge(uint32_t node, char byte) {
  return static_cast<uint64_t>(node) << 8 | static_cast<uint8_t>(byte);
}

}  // namespace

void SpecialTokens::Add(std::string_view name, TokenId id, bool always) {
  if (name.empty()) return;
  uint32_t node = 0;
  for (const char byte : name) {
    uint32_t child = Child(node, byte);
    if (child == 0) {
      child = static_cast<uint32_t>(nodes_.size());
      nodes_.emplace_back();
      if (node == 0) {
        first_[static_cast<uint8_t>(byte)] = child;
      } else {
        children_.emplace(Edge(node, byte), child);
      }
    }
    node = child;
  }
  nodes_[node] = {id, always};
}

uint32_t SpecialTokens::Child(uint32_t node, char byte) const {
  if (node == 0) return first_[static_cast<uint8_t>(byte)];
  const auto found = children_.find(Edge(node, byte));
  return found == children_.end() ? 0 : found->second;
}

std::optional<SpecialTokens::Found> SpecialTokens::Next(std::string_view text, size_t from,
                                                        std::span<const Range> parsed) const {
  auto range = std::upper_bound(parsed.begin(), parsed.end(), from,
                                [](size_t at, const Range& r) { return at < r.end; });
  for (size_t begin = from; begin < text.size(); ++begin) {
    if (range != parsed.end() && range->end <= begin) ++range;
    // Up to where a name that begins here may reach if it does not always count.
    const size_t limit = range != parsed.end() && range->begin <= begin ? range->end : begin;
    Found longest;
    uint32_t node = 0;
    for (size_t at = begin; at < text.size(); ++at) {
      node = Child(node, text[at]);
      if (node == 0) break;
      if (nodes_[node].id >= 0 && (at < limit || nodes_[node].always)) {
        longest = {begin, at + 1, nodes_[node].id};
      }
    }
    if (longest.id >= 0) return longest;
  }
  return std::nullopt;
}

}  // namespace hearth::model
