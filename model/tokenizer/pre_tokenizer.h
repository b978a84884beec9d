// PreTokenizer: how a family of vocabularies cuts text into words before merges run within each
// word.
//
// A family is a list of patterns: the first cuts the text, each further one cuts the pieces that
// the one before it left. Thread-safety: const after Find.
#pragma once

#include <string_view>
#include <vector>

#include "model/tokenizer/split_pattern.h"
#include "runtime/base/core/result.h"

namespace hearth::model {

class PreTokenizer {
 public:
  // By the value of tokenizer.ggml.pre ("" where the file has none). An unknown name is an Error:
  // any other family's cuts would give wrong ids without a sign.
  static Result<PreTokenizer> Find(std::string_view name);

  // A word that is a token as a whole becomes that token without merging.
  bool ignores_merges() const { return ignores_merges_; }
  // Whether the family begins a text with BOS where the file does not say.
  bool adds_bos() const { return adds_bos_; }

  // The words, in order; together they are the text. Bytes that are not UTF-8 stay in it, each run
  // as one character of category So, the category of U+FFFD.
  std::vector<std::string_view> Split(std::string_view text) const;

 private:
  PreTokenizer() = default;
  std::vector<SplitPattern> patterns_;
  bool ignores_merges_ = false;
  bool adds_bos_ = false;
};

}  // namespace hearth::model
