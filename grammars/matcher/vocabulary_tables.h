// VocabularyTables: what is computed once per tokenizer so that masks are cheap.
//
// Half of all masks of JSON are "inside a free string": nearly every token may come. The tokens
// that stay inside are a fixed mask (cut, where a length bound is near, by the number of
// characters); the few that close the string are kept as a trie of what they spell after the quote.
#pragma once

#include <memory>
#include <vector>

#include "grammars/matcher/mask_memory.h"
#include "grammars/matcher/token_trie.h"
#include "grammars/vocabulary.h"

namespace hearth::grammar {

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
  // What follows the closing quote in the tokens that have one, and how many characters precede it.
  const TokenTrie& string_exits() const { return string_exits_; }
  const std::vector<TokenId>& string_exit_tokens() const { return exit_tokens_; }
  uint32_t CharactersBeforeQuote(TokenId token) const {
    return characters_[static_cast<size_t>(token)];
  }

  const MaskMemory& masks() const { return masks_; }

 private:
  size_t words_;
  uint32_t far_ = 1;
  TokenTrie trie_;
  Bits string_body_;
  std::vector<Bits> cut_;             // [n]: at most n characters
  std::vector<TokenId> long_tokens_;  // of more than kCutMasks characters, in order of their number
  std::vector<uint16_t> characters_;  // inside a string: of the whole token, or before the quote
  TokenTrie string_exits_;
  std::vector<TokenId> exit_tokens_;
  MaskMemory masks_;
};

}  // namespace hearth::grammar
