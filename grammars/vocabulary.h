// Vocabulary: the bytes that each token of a model spells, arranged for masks.
//
// Made once per tokenizer and shared by every grammar, sequence and thread: immutable but for the
// memory of masks already computed, which locks itself and is bounded. Special tokens are never
// matched as text; a grammar names them by id. Creation takes some 10-100 ms; memory is about 100
// bytes a token.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::grammar {

class VocabularyTables;  // matcher/vocabulary_tables.h

class Vocabulary {
 public:
  struct Token {
    std::string bytes;        // for a special token, its name
    bool is_special = false;  // control token, or an id that is not in use
  };

  // Errors: no token at all, more than 2^21, a token over 4 KiB, an end token out of range.
  static Result<std::shared_ptr<const Vocabulary>> Create(std::vector<Token> tokens,
                                                          std::vector<TokenId> end_tokens);
  // Reads a .gvoc file: "GVOC0001", u32 count, u32 end token, u32 0, then per token u8 flags (bit 0
  // special, bit 1 unused), u16 length, bytes; all little endian. Every length is checked.
  static Result<std::shared_ptr<const Vocabulary>> ReadGvoc(const std::string& path);
  static Result<std::shared_ptr<const Vocabulary>> ParseGvoc(std::string_view content);

  ~Vocabulary();
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  size_t size() const { return tokens_.size(); }
  size_t mask_words() const { return (tokens_.size() + 31) / 32; }
  // True for ids of this vocabulary that spell text.
  bool IsText(TokenId id) const {
    return id >= 0 && static_cast<size_t>(id) < tokens_.size() &&
           !tokens_[static_cast<size_t>(id)].is_special &&
           !tokens_[static_cast<size_t>(id)].bytes.empty();
  }
  bool IsValid(TokenId id) const { return id >= 0 && static_cast<size_t>(id) < tokens_.size(); }
  std::string_view Bytes(TokenId id) const { return tokens_[static_cast<size_t>(id)].bytes; }
  std::span<const TokenId> end_tokens() const { return end_tokens_; }
  bool IsEnd(TokenId id) const;

  const VocabularyTables& tables() const { return *tables_; }

 private:
  Vocabulary(std::vector<Token> tokens, std::vector<TokenId> end_tokens);

  std::vector<Token> tokens_;
  std::vector<TokenId> end_tokens_;
  std::unique_ptr<const VocabularyTables> tables_;
};

}  // namespace hearth::grammar
