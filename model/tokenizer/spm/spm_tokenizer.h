// SpmTokenizer: SentencePiece BPE with byte fallback, what GGUF files call tokenizer.ggml.model =
// "llama" (Llama 2, Mistral, Gemma, Phi-3).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "model/tokenizer/spm/piece_model.h"
#include "model/tokenizer/vocabulary_tokenizer.h"

namespace hearth::model {

class SpmTokenizer : public VocabularyTokenizer {
 public:
  static Result<std::shared_ptr<const Tokenizer>> Create(const GgufFile& file,
                                                         Vocabulary vocabulary);

 protected:
  void EncodeText(std::string_view text, std::vector<TokenId>& out) const override;

 private:
  SpmTokenizer(const Vocabulary& vocabulary, std::unique_ptr<const PieceModel> model,
               bool adds_space_prefix);

  std::unique_ptr<const PieceModel> model_;
  std::vector<TokenId> byte_ids_;  // by byte; empty where the vocabulary lacks one
};

}  // namespace hearth::model
