// What files without a usable tokenizer give, and which tokens end a turn.
#include "model/tokenizer.h"

#include <catch2/catch.hpp>

#include "tests/support/vocabulary_file.h"

namespace hearth::model {
namespace {

using test::GgufBytes;
using test::VocabularyFile;

std::string CreateError(const GgufBytes& bytes) {
  const auto file = GgufFile::Parse(std::as_bytes(std::span(bytes.text())), "test.gguf");
  REQUIRE(file.ok());
  const auto tokenizer = Tokenizer::Create(**file);
  return tokenizer.ok() ? "none" : tokenizer.error().message;
}

bool Contains(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

GgufBytes Model(const char* model, uint64_t more_pairs = 0) {
  return GgufBytes().Head(0, 1 + more_pairs).Key("tokenizer.ggml.model", 8).String(model);
}

TEST_CASE("files without a usable tokenizer say what is wrong") {
  CHECK(Contains(CreateError(GgufBytes().Head(0, 0)), "tokenizer.ggml.model: is missing"));
  CHECK(Contains(CreateError(Model("rwkv")), "'rwkv' is not supported by this build"));
  CHECK(
      Contains(CreateError(Model("gpt2")), "tokenizer.ggml.tokens: the list of tokens is missing"));
  GgufBytes no_merges = Model("gpt2", 2);
  no_merges.Array("tokenizer.ggml.tokens", 8, 1)
      .String("a")
      .Key("tokenizer.ggml.pre", 8)
      .String("gpt-2");
  CHECK(Contains(CreateError(no_merges), "tokenizer.ggml.merges: the list of merges is missing"));
  GgufBytes kinds = Model("gpt2", 2);
  kinds.Array("tokenizer.ggml.tokens", 8, 2).String("a").String("b");
  kinds.Array("tokenizer.ggml.token_type", 5, 1).Put(int32_t{1});
  CHECK(Contains(CreateError(kinds),
                 "tokenizer.ggml.token_type: must be one integer for each of the 2"));
}

TEST_CASE("wrong vocabularies say what is wrong") {
  VocabularyFile file;
  file.tokens = {{"a", TokenKind::kNormal}, {"b", TokenKind::kNormal}};
  CHECK(CreateError(file.Bytes()) == "none");
  file.merges = {"ab"};
  CHECK(Contains(CreateError(file.Bytes()), "merge 0 ('ab') is not two symbols"));
  file.merges = {"a "};
  CHECK(Contains(CreateError(file.Bytes()), "merge 0 ('a ') is not two symbols"));
  file.merges = {"a 你"};
  CHECK(Contains(CreateError(file.Bytes()), "characters that stand for no byte"));
  file.merges = {};
  file.pre = "nobody";
  CHECK(Contains(CreateError(file.Bytes()),
                 "test.gguf: tokenizer.ggml.pre: the pre-tokenizer 'nobody'"));
  file.pre = "llama-bpe";
  CHECK(Contains(CreateError(file.Bytes()), "tokenizer.ggml.bos_token_id: is missing"));
  file.more.Key("tokenizer.ggml.bos_token_id", 4).Put(2u);
  file.more_pairs = 1;
  CHECK(
      Contains(CreateError(file.Bytes()), "tokenizer.ggml.bos_token_id: is not a token of the 2"));
}

std::vector<std::string> EndOfTurn(const VocabularyFile& file) {
  const auto tokenizer = file.Create();
  REQUIRE(tokenizer.ok());
  std::vector<std::string> names;
  for (const TokenId id : (*tokenizer)->end_of_turn()) {
    names.emplace_back((*tokenizer)->bytes(id));
    CHECK((*tokenizer)->IsEndOfTurn(id));
  }
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE("turns end at EOS, EOT, EOM and what families use besides") {
  VocabularyFile file;
  file.tokens = {{"a", TokenKind::kNormal},          {"<|endoftext|>", TokenKind::kControl},
                 {"<stop>", TokenKind::kControl},    {"<|im_end|>", TokenKind::kUserDefined},
                 {"<mine>", TokenKind::kControl},    {"<|im_start|>", TokenKind::kControl},
                 {"<tool>", TokenKind::kUserDefined}};
  file.more.Key("tokenizer.ggml.eos_token_id", 4)
      .Put(2u)
      .Key("tokenizer.ggml.eot_token_id", 4)
      .Put(4u);
  file.more_pairs = 2;
  CHECK(EndOfTurn(file) == Names{"<|endoftext|>", "<stop>", "<|im_end|>", "<mine>"});
  const auto tokenizer = file.Create();
  CHECK((*tokenizer)->eos() == 2);
  CHECK_FALSE((*tokenizer)->bos().has_value());
  CHECK_FALSE((*tokenizer)->IsEndOfTurn(0));
  // Marked as user-defined in the file, which would let data end a turn.
  CHECK((*tokenizer)->IsControl(3));
  CHECK((*tokenizer)->FindSpecial("<tool>") == 6);
  CHECK_FALSE((*tokenizer)->FindSpecial("a").has_value());
  CHECK_FALSE((*tokenizer)->FindSpecial("<tool").has_value());
}

TEST_CASE("where messages have their own end, it does not end the turn") {
  VocabularyFile file;
  for (const char* name : {"<|return|>", "<|end|>", "<|call|>"}) {
    file.tokens.push_back({name, TokenKind::kControl});
  }
  CHECK(EndOfTurn(file) == Names{"<|return|>", "<|call|>"});
  file.tokens = {{"<|end|>", TokenKind::kControl}};
  CHECK(EndOfTurn(file) == Names{"<|end|>"});
  file.tokens = {{"</s>", TokenKind::kNormal}, {"<|tool_response>", TokenKind::kControl}};
  CHECK(EndOfTurn(file) == Names{"<|tool_response>"});
}

}  // namespace
}  // namespace hearth::model
