#include "model/tokenizer.h"

#include <algorithm>
#include <utility>

#include "model/tokenizer/bpe_tokenizer.h"
#include "model/tokenizer/spm/spm_tokenizer.h"
#include "model/tokenizer/vocabulary.h"

namespace hearth::model {

Result<std::shared_ptr<const Tokenizer>> Tokenizer::Create(const GgufFile& file) {
  const std::string* const algorithm = file.GetString("tokenizer.ggml.model");
  if (algorithm == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(),
                     ": tokenizer.ggml.model: is missing, so the file has no tokenizer");
  }
  const bool is_bpe = *algorithm == "gpt2";
  if (!is_bpe && *algorithm != "llama") {
    return MakeError(ErrorCode::kUnsupported, file.path(), ": tokenizer.ggml.model: '", *algorithm,
                     "' is not supported by this build; 'gpt2' (byte-level BPE) and 'llama' "
                     "(SentencePiece) are");
  }
  HEARTH_TRY(Vocabulary vocabulary, Vocabulary::Read(file));
  if (is_bpe) return BpeTokenizer::Create(file, vocabulary);
  return SpmTokenizer::Create(file, std::move(vocabulary));
}

std::optional<TokenId> Tokenizer::FindSpecial(std::string_view name) const {
  const auto found = special_ids_.find(name);
  return found == special_ids_.end() ? std::nullopt : std::optional<TokenId>(found->second);
}

bool Tokenizer::IsEndOfTurn(TokenId id) const {
  return std::binary_search(end_of_turn_.begin(), end_of_turn_.end(), id);
}

}  // namespace hearth::model
