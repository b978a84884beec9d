// BpeTokenizer: byte-level BPE, what GGUF files call tokenizer.ggml.model = "gpt2".
#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/tokenizer/bpe.h"
#include "model/tokenizer/pre_tokenizer.h"
#include "model/tokenizer/vocabulary_tokenizer.h"

namespace hearth::model {

class BpeTokenizer : public VocabularyTokenizer {
 public:
  static Result<std::shared_ptr<const Tokenizer>> Create(const GgufFile& file,
                                                         const Vocabulary& vocabulary);

 protected:
  void EncodeText(std::string_view text, std::vector<TokenId>& out) const override;

 private:
  BpeTokenizer(const Vocabulary& vocabulary, PreTokenizer pre_tokenizer, Bpe bpe);

  PreTokenizer pre_tokenizer_;
  Bpe bpe_;
  // The ordinary tokens, where words that are tokens are not merged; keys point into bytes_.
  std::unordered_map<std::string_view, TokenId> whole_words_;
};

}  // namespace hearth::model
