// room: model
// Any bytes as the tokens, kinds, scores, merges and settings of a vocabulary: refused, or any text
// becomes ids of its own.
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/gguf.h"
#include "model/tokenizer.h"
#include "tests/support/gguf_bytes.h"

using namespace hearth;
using namespace hearth::model;

namespace {

// Takes pieces off the input; zeros and empty texts when it has ended.
class Source {
 public:
  Source(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  uint8_t Byte() {
    const auto byte = rest_.empty() ? uint8_t{0} : static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(rest_.empty() ? 0 : 1);
    return byte;
  }
  // Short texts are the rule, as in vocabularies.
  std::string_view Text() {
    const std::string_view text = rest_.substr(0, Byte() % 12);
    rest_.remove_prefix(std::min(rest_.size(), text.size()));
    return text;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

constexpr const char* kModels[] = {"gpt2", "llama", "bert", "none"};
constexpr const char* kFamilies[] = {"gpt-2", "llama-bpe", "falcon", "deepseek-llm", "tekken", "x"};
constexpr const char* kNumbers[] = {"bos_token_id", "eos_token_id", "unknown_token_id",
                                    "padding_token_id"};
constexpr const char* kSwitches[] = {"add_bos_token", "add_eos_token", "add_space_prefix",
                                     "remove_extra_whitespaces"};

std::string Vocabulary(Source& source) {
  const uint8_t shape = source.Byte();
  std::vector<std::string> tokens;
  const size_t n = source.Byte() % 48;
  if ((shape & 1) != 0) {
    for (int b = 0; b < 256; ++b)
      tokens.push_back("<0x" + std::string{"0123456789ABCDEF"[b / 16], "0123456789ABCDEF"[b % 16]} +
                       ">");
  }
  for (size_t i = 0; i < n; ++i) tokens.emplace_back(source.Text());
  test::GgufBytes out;
  uint64_t pairs = 5;
  for (size_t i = 0; i < 4; ++i) pairs += (shape >> (4 + i) & 1) != 0 ? 2 : 0;
  out.Head(0, pairs);
  out.Key("tokenizer.ggml.model", 8).String(kModels[source.Byte() % std::size(kModels)]);
  out.Key("tokenizer.ggml.pre", 8).String(kFamilies[source.Byte() % std::size(kFamilies)]);
  out.Array("tokenizer.ggml.tokens", 8, tokens.size());
  for (const std::string& token : tokens) out.String(token);
  out.Array("tokenizer.ggml.token_type", 5, tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool byte = (shape & 1) != 0 && i < 256;
    out.Put(byte ? int32_t{6} : static_cast<int32_t>(source.Byte() % 8));
  }
  // Either what the other kind of vocabulary does without.
  if ((shape & 2) != 0) {
    out.Array("tokenizer.ggml.scores", 6, tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) {
      out.Put(static_cast<float>(static_cast<int8_t>(source.Byte())));
    }
  } else {
    const size_t merges = source.Byte() % 32;
    out.Array("tokenizer.ggml.merges", 8, merges);
    for (size_t i = 0; i < merges; ++i) out.String(source.Text());
  }
  for (size_t i = 0; i < 4; ++i) {
    if ((shape >> (4 + i) & 1) == 0) continue;
    out.Key(std::string("tokenizer.ggml.") + kNumbers[i], 4).Put(uint32_t{source.Byte()});
    out.Key(std::string("tokenizer.ggml.") + kSwitches[i], 7)
        .Put(static_cast<uint8_t>(source.Byte() % 2));
  }
  return out.text();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Source source(data, size);
  const std::string bytes = Vocabulary(source);
  const auto file = GgufFile::Parse(std::as_bytes(std::span(bytes)), "fuzz.gguf");
  if (!file.ok()) std::abort();  // whole as it is, whatever the vocabulary says
  const auto tokenizer = Tokenizer::Create(**file);
  if (!tokenizer.ok()) {
    if (tokenizer.error().message.empty()) std::abort();
    return 0;
  }
  const Tokenizer& t = **tokenizer;
  for (const bool parse_special : {false, true}) {
    const auto ids =
        t.Encode(source.rest(), {.parse_special = parse_special, .add_bos = std::nullopt});
    for (const TokenId id : ids) {
      if (id < 0 || static_cast<size_t>(id) >= t.size()) std::abort();
    }
    (void)t.Decode(ids, true);
  }
  return 0;
}
