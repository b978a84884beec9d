// SplitPattern: the small regular expressions by which pre-tokenizers cut text into words.
//
// The syntax is what published tokenizers use, no more: alternation, groups (?:…), classes […] with
// ranges, \p{X}, \s, \S, \d and escapes, the quantifiers ? * + {n} {n,m} (greedy, with
// backtracking), look-ahead at one character, (?=C) and (?!C), and $, the end of the piece. A group
// may be optional but not repeated, and once it has matched it is not re-entered (no published
// pattern needs it).
//
// Patterns are constants of this program; a malformed one fails an assert. Thread-safety: const
// after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "model/tokenizer/unicode_category.h"

namespace hearth::model {

// A character of the text that is being cut.
struct TextCharacter {
  uint32_t code_point = 0;
  uint32_t offset = 0;  // of its first byte
  Category category = Category::kCn;
};

class SplitPattern {
 public:
  explicit SplitPattern(std::string_view pattern);
  SplitPattern(SplitPattern&&) noexcept;
  SplitPattern& operator=(SplitPattern&&) noexcept;
  ~SplitPattern();

  // Cuts text[begin, end) into matches and what lies between them, and appends the end of each
  // piece.
  void Split(std::span<const TextCharacter> text, size_t begin, size_t end,
             std::vector<size_t>& piece_ends) const;

 private:
  struct Alternatives;
  std::unique_ptr<const Alternatives> root_;
};

}  // namespace hearth::model
