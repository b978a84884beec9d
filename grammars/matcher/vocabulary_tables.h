// VocabularyTables: what is computed once per tokenizer so that masks are cheap.
//
// Half of all masks of JSON are "inside a free string": nearly every token may come. The tokens
// that stay inside are a fixed mask (cut, where a length bound is near, by the number of
// characters); the few that close the string are kept as a trie of what they spell after the quote.
// Most of the others stand between two JSON tokens: those that are whitespace and no more are
// known, as are those that go on into a free string and stay there.
#pragma once

#include <memory>
#include <vector>

#include "grammars/matcher/mask_memory.h"
#include "grammars/matcher/token_trie.h"
#include "grammars/vocabulary.h"

namespace hearth::grammar {

// ClosingTokens: the tokens that go through a string to its end, seen from within the string or
// from a gap before its opening quote. They are numbered in ascending order of their ids, so that
// sets of them are small bit sets that intersect by AND and list themselves in order.
struct ClosingTokens {
  std::vector<TokenId> tokens;       // by number
  std::vector<uint16_t> characters;  // of the string, by number
  TokenTrie before;                  // the bytes of the string up to its closing quote; numbers
  TokenTrie after;                   // what follows the quote; numbers
};

// Gap: tokens seen from where whitespace may come before a JSON token.
struct GapTokens {
  std::vector<TokenId> space;  // whitespace and no more
  TokenTrie after;             // the others without their whitespace
  std::vector<TokenId> opening;  // whitespace, a quote, and on to stay inside the string
  ClosingTokens closing;
};

class VocabularyTables {
 public:
  using Bits = std::shared_ptr<const std::vector<uint32_t>>;
  static constexpr uint32_t kCutMasks = 16;
  static constexpr uint32_t kStringBodyBase = 1;  // TokenSet::base_id of string_body()

  explicit VocabularyTables(const Vocabulary& vocabulary);

  const TokenTrie& trie() const { return trie_; }
  // Longer than any text token, in bytes.
  uint32_t far() const { return far_; }
  size_t words() const { return words_; }

  // Tokens that stay inside a string of any characters, begun between two characters.
  const Bits& string_body() const { return string_body_; }
  // Those of at most n characters (a character that is cut off at the end counts).
  Bits StringBodyUpTo(uint32_t n) const;
  // The others, for n >= kCutMasks.
  std::span<const TokenId> StringBodyOver(uint32_t n) const;
  // Seen from between two characters of a string.
  const ClosingTokens& closing() const { return closing_; }
  // Seen from the beginning of a gap; after a line break, before more indentation; or where no more
  // whitespace may come.
  static constexpr size_t kGaps = 3;
  const GapTokens& gap(size_t i) const { return gaps_[i]; }

  const MaskMemory& masks() const { return masks_; }

 private:
  size_t words_;
  uint32_t far_ = 1;
  TokenTrie trie_;
  Bits string_body_;
  std::vector<Bits> cut_;             // [n]: at most n characters
  std::vector<TokenId> long_tokens_;  // of more than kCutMasks characters, in order of their number
  std::vector<uint16_t> characters_;  // of the whole token, where it stays inside a string
  ClosingTokens closing_;
  std::array<GapTokens, kGaps> gaps_;
  MaskMemory masks_;
};

}  // namespace hearth::grammar
