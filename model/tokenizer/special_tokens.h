// SpecialTokens: finds the names of control and user-defined tokens in a text.
//
// A trie over the names. Thread-safety: const after the last Add.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/base/core/token_set.h"

namespace hearth::model {

class SpecialTokens {
 public:
  SpecialTokens() : nodes_(1) {}

  // `always`: found even where special tokens are not to be parsed (user-defined tokens).
  void Add(std::string_view name, TokenId id, bool always);

  struct Found {
    size_t begin = 0, end = 0;
    TokenId id = -1;
  };
  // Bytes of a text in which special tokens may be parsed.
  struct Range {
    size_t begin = 0, end = 0;
  };
  // The first name at or after `from`, and there the longest. A name that does not always count
  // must lie in one of the ranges, which are ascending and apart. Costs O(text) times the longest
  // name.
  std::optional<Found> Next(std::string_view text, size_t from,
                            std::span<const Range> parsed) const;

 private:
  struct Node {
    TokenId id = -1;
    bool always = false;
  };

  // Index of the child of `node` by `byte`, or 0 (the root is nobody's child).
  uint32_t Child(uint32_t node, char byte) const;

  std::vector<Node> nodes_;
  std::unordered_map<uint64_t, uint32_t> children_;  // (node << 8 | byte) -> node
  std::array<uint32_t, 256> first_{};                // the root's children
};

}  // namespace hearth::model
