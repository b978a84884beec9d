// room: model
// Any bytes as text: the ids' bytes are the text again, in every family of pre-tokenizers, and what
// is shown is well-formed UTF-8.
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"
#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/utf8.h"
#include "tests/support/spm_file.h"
#include "tests/support/vocabulary_file.h"

using namespace hearth;
using namespace hearth::model;

namespace {

constexpr const char* kFamilies[] = {
    "gpt-2", "smollm", "llama-bpe", "qwen2",       "qwen35",         "gpt-4o",  "tekken",
    "youtu", "falcon", "bloom",     "deepseek-v3", "deepseek-coder", "default", "minicpm5"};

// A token for every byte and a few merges, so that nothing is left out.
std::vector<std::shared_ptr<const Tokenizer>> MakeTokenizers() {
  std::vector<std::shared_ptr<const Tokenizer>> all;
  for (const char* family : kFamilies) {
    test::VocabularyFile file;
    file.pre = family;
    for (int b = 0; b < 256; ++b) {
      file.tokens.push_back({ByteToAlphabet(static_cast<uint8_t>(b)), TokenKind::kNormal});
    }
    for (const char* merge :
         {"a b", "ab c", "Ġ Ġ", "ĠĠ ĠĠ", "Ġ a", "1 2", "Ã ©", "a a", "aa aa", "b missing"}) {
      file.merges.push_back(merge);
      std::string joined = merge;
      joined.erase(joined.find(' '), 1);
      file.tokens.push_back({joined, TokenKind::kNormal});
    }
    file.tokens.push_back({"<|s|>", TokenKind::kControl});
    file.tokens.push_back({"<u>", TokenKind::kUserDefined});
    file.more.Key("tokenizer.ggml.bos_token_id", 4).Put(0u);
    file.more_pairs = 1;
    const auto tokenizer = file.Create();
    if (!tokenizer.ok()) std::abort();
    all.push_back(*tokenizer);
  }
  const test::SpmFile spm = {
      .pieces = {"ab", "▁a", "▁", "a", "b", "aa", "é", "12"},
      .more = {{"<|s|>", TokenKind::kControl}, {"<u>", TokenKind::kUserDefined}},
      .adds_space = false};
  const auto tokenizer = spm.Create();
  if (!tokenizer.ok()) std::abort();
  all.push_back(*tokenizer);
  return all;
}

void CheckWellFormed(std::string_view text) {
  while (!text.empty()) {
    const Utf8Step step = DecodeUtf8(text);
    if (step.kind != Utf8Step::Kind::kCharacter) std::abort();
    text.remove_prefix(step.length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto tokenizers = MakeTokenizers();
  if (size == 0) return 0;
  const Tokenizer& tokenizer = *tokenizers[data[0] % tokenizers.size()];
  const bool parse_special = (data[0] & 0x80) != 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::vector<TokenId> ids = tokenizer.Encode(text, {.parse_special = parse_special});
  std::string joined;
  for (const TokenId id : ids) {
    joined += tokenizer.bytes(id);
    if (!parse_special && tokenizer.IsControl(id)) std::abort();
  }
  // U+2581 is SentencePiece's own way to write a space.
  if (joined != text && text.find("\u2581") == std::string::npos) std::abort();
  CheckWellFormed(tokenizer.Decode(ids, true));
  return 0;
}
