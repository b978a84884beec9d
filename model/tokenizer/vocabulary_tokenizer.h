// VocabularyTokenizer: what all tokenizers over a vocabulary share. Special tokens are cut out
// first; an algorithm encodes the text between them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"
#include "model/tokenizer/special_tokens.h"
#include "model/tokenizer/vocabulary.h"

namespace hearth::model {

class VocabularyTokenizer : public Tokenizer {
 public:
  std::vector<TokenId> Encode(std::string_view text, const EncodeOptions& options) const override;
  std::vector<TokenId> EncodeRuns(std::span<const TextRun> runs) const override;
  std::string Decode(std::span<const TokenId> ids, bool with_special) const override;

 protected:
  // `bytes` is what each token writes; `adds_bos` holds where the file does not say.
  VocabularyTokenizer(const Vocabulary& vocabulary, std::vector<std::string> bytes, bool adds_bos);

  // Appends the ids of a text that holds no special token and is not empty.
  virtual void EncodeText(std::string_view text, std::vector<TokenId>& out) const = 0;

 private:
  // Appends the ids of the text; special tokens may be found in the ranges.
  void EncodeRanges(std::string_view text, std::span<const SpecialTokens::Range> parsed,
                    std::vector<TokenId>& ids) const;

  SpecialTokens specials_;
  std::vector<bool> swallows_space_;
  bool adds_eos_ = false;
};

}  // namespace hearth::model
