// Bpe: byte-pair merging within one word.
//
// Symbols are token ids. A vocabulary may lack the token of a byte, or of a merge's result; such
// symbols get ids beyond the vocabulary, take part in merging, and are broken into their bytes in
// the end. Thread-safety: const after construction.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/merge_table.h"
#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

class Bpe {
 public:
  // `texts` are the vocabulary's tokens and `merges` its merges ("left right"), in the byte
  // alphabet.
  static Result<Bpe> Create(std::span<const std::string> texts,
                            std::span<const std::string> merges);

  // Appends the ids of a word, given as its bytes. Bytes that the vocabulary has no token for are
  // left out. Costs O(n log n).
  void Encode(std::string_view word, std::vector<TokenId>& out) const;

 private:
  Bpe(size_t vocabulary, size_t merges) : vocabulary_(vocabulary), table_(merges) {}
  void Append(TokenId symbol, std::vector<TokenId>& out) const;

  size_t vocabulary_;
  MergeTable table_;
  std::array<TokenId, 256> byte_symbols_{};
  std::vector<std::string> extra_;  // the bytes of symbol vocabulary_ + i
};

}  // namespace hearth::model
