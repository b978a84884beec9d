#include "model/tokenizer/bpe_tokenizer.h"

#include <utility>

#include "model/tokenizer/byte_alphabet.h"

namespace hearth::model {
namespace {

// What each token writes. Names of special tokens, and texts outside the byte alphabet, are meant
// as they are stored.
std::vector<std::string> TokenBytes(const Vocabulary& vocabulary) {
  std::vector<std::string> bytes;
  bytes.reserve(vocabulary.texts.size());
  for (size_t i = 0; i < vocabulary.texts.size(); ++i) {
    const std::string& text = vocabulary.texts[i];
    const TokenKind kind = vocabulary.kinds[i];
    const bool encoded = kind == TokenKind::kNormal || kind == TokenKind::kByte;
    bytes.push_back(encoded ? AlphabetToBytes(text).value_or(text) : text);
  }
  return bytes;
}

Error In(const GgufFile& file, const Error& error) {
  return MakeError(error.code, file.path(), ": ", error.message);
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> BpeTokenizer::Create(const GgufFile& file,
                                                              const Vocabulary& vocabulary) {
  const std::string* const pre = file.GetString("tokenizer.ggml.pre");
  auto pre_tokenizer =
      PreTokenizer::Find(pre == nullptr ? std::string_view() : std::string_view(*pre));
  if (!pre_tokenizer.ok()) return In(file, pre_tokenizer.error());
  const std::vector<std::string>* const merges = file.GetStrings("tokenizer.ggml.merges");
  if (merges == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(),
                     ": tokenizer.ggml.merges: the list of merges is missing");
  }
  auto bpe = Bpe::Create(vocabulary.texts, *merges);
  if (!bpe.ok()) return In(file, bpe.error());
  std::shared_ptr<const Tokenizer> tokenizer(
      new BpeTokenizer(vocabulary, *std::move(pre_tokenizer), *std::move(bpe)));
  if (tokenizer->adds_bos() && !tokenizer->bos()) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(),
                     ": tokenizer.ggml.bos_token_id: is missing, but texts are to begin with BOS");
  }
  return tokenizer;
}

BpeTokenizer::BpeTokenizer(const Vocabulary& vocabulary, PreTokenizer pre_tokenizer, Bpe bpe)
    : VocabularyTokenizer(vocabulary, TokenBytes(vocabulary), pre_tokenizer.adds_bos()),
      pre_tokenizer_(std::move(pre_tokenizer)),
      bpe_(std::move(bpe)) {
  if (!pre_tokenizer_.ignores_merges()) return;
  whole_words_.reserve(bytes_.size());
  for (size_t i = 0; i < bytes_.size(); ++i) {
    if (kinds_[i] == TokenKind::kNormal)
      whole_words_.insert_or_assign(bytes_[i], static_cast<TokenId>(i));
  }
}

void BpeTokenizer::EncodeText(std::string_view text, std::vector<TokenId>& out) const {
  for (const std::string_view word : pre_tokenizer_.Split(text)) {
    if (const auto whole = whole_words_.find(word); whole != whole_words_.end()) {
      out.push_back(whole->second);
    } else {
      bpe_.Encode(word, out);
    }
  }
}

}  // namespace hearth::model
