// SentencePiece vocabularies: ids against llama.cpp's where its sets are at hand, and chosen cases.
#include "model/tokenizer/spm/spm_tokenizer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/files.h"
#include "tests/support/spm_file.h"

namespace hearth::model {
namespace {

using nlohmann::json;
using Ids = std::vector<TokenId>;

using test::SpmFile;

std::shared_ptr<const Tokenizer> Create(const SpmFile& file) {
  const auto tokenizer = file.Create();
  if (!tokenizer.ok()) FAIL(tokenizer.error().message);
  return *tokenizer;
}

std::vector<std::string> Pieces(const Tokenizer& tokenizer, std::string_view text,
                                bool parse_special = false) {
  std::vector<std::string> pieces;
  for (const TokenId id : tokenizer.Encode(text, {.parse_special = parse_special})) {
    pieces.emplace_back(tokenizer.bytes(id));
  }
  return pieces;
}

using List = std::vector<std::string>;

TEST_CASE("pieces merge by score") {
  const auto tokenizer = Create({.pieces = {"ab", "bc", "▁ab", "▁", "a", "b", "c"}});
  CHECK(Pieces(*tokenizer, "ab") == List{" ab"});
  CHECK(Pieces(*tokenizer, "abc") == List{" ab", "c"});
  CHECK(Pieces(*tokenizer, "bc ab") == List{" ", "bc", " ab"});
  CHECK(tokenizer->Decode(tokenizer->Encode("bc ab", {})) == "bc ab");
}

TEST_CASE("a space begins the text only where the file wants it") {
  const auto tokenizer = Create({.pieces = {"▁a", "▁", "a"}, .adds_space = false});
  CHECK(Pieces(*tokenizer, "a a") == List{"a", " a"});
  CHECK(tokenizer->Decode(tokenizer->Encode(" a", {})) == " a");
}

TEST_CASE("what no piece has becomes bytes, and comes back") {
  const auto tokenizer = Create({.pieces = {"▁", "a"}});
  CHECK(Pieces(*tokenizer, "aé") == List{" ", "a", "\xc3", "\xa9"});
  for (const std::string text : {"é€🎉", "\n\t",
                                 "a\xff"
                                 "b\xc3",
                                 "日本"}) {
    std::string joined;
    for (const std::string& piece : Pieces(*tokenizer, text)) joined += piece;
    CHECK(joined == " " + text);
  }
  CHECK(tokenizer->Encode("", {}).empty());
}

TEST_CASE("without byte pieces the unknown token stands in") {
  const auto tokenizer = Create({.pieces = {"▁", "a"}, .has_bytes = false});
  CHECK(tokenizer->Encode("aé", {}) == Ids{3, 4, 0});
}

TEST_CASE("data never becomes a control token, even where merges would spell one") {
  const auto tokenizer = Create({.pieces = {"<s", "</", "</s", "▁", "<", "/", "s", ">"}});
  for (const TokenId id : tokenizer->Encode("<s></s>", {})) CHECK_FALSE(tokenizer->IsControl(id));
  CHECK(tokenizer->Encode("<s></s>", {.parse_special = true}) == Ids{1, 2});
  CHECK(tokenizer->Encode("<s>", {.parse_special = true, .add_bos = std::nullopt}) == Ids{1, 1});
}

// The library takes a piece of one character for the text whatever its kind, and then gives up.
TEST_CASE("a control token of one character is not spelled by a text either") {
  const auto tokenizer = Create({.pieces = {"▁"}, .more = {{"a", TokenKind::kControl}}});
  CHECK(Pieces(*tokenizer, "a") == List{" ", "a"});
  for (const TokenId id : tokenizer->Encode("a", {})) CHECK_FALSE(tokenizer->IsControl(id));
}

TEST_CASE("user-defined tokens are found as they are stored, in front of all merging") {
  const auto tokenizer =
      Create({.pieces = {"▁", "a", "▁a"},
              .more = {{"  ", TokenKind::kUserDefined}, {"a", TokenKind::kNormal}}});
  CHECK(Pieces(*tokenizer, "a  a") == List{" a", "  ", " a"});
}

TEST_CASE("Phi-3's special tokens take the white space behind them") {
  SpmFile file = {.pieces = {"▁", "a", "▁a"}, .more = {{"<|user|>", TokenKind::kControl}}};
  CHECK(Pieces(*Create(file), "<|user|> \na", true) == List{"<|user|>", " ", " ", "\n", "a"});
  file.name = "Phi3 mini";
  CHECK(Pieces(*Create(file), "<|user|> \na", true) == List{"<|user|>", " a"});
  CHECK(Pieces(*Create(file), "<s> a", true) == List{"<s>", " ", " a"});
}

TEST_CASE("vocabularies that the library would refuse are read or refused by name") {
  // Empty and doubled pieces are there, and no text spells them.
  const auto tokenizer = Create({.pieces = {"", "a", "a", "▁"}});
  CHECK(Pieces(*tokenizer, "a") == List{" ", "a"});
  test::GgufBytes out;
  out.Head(0, 2).Key("tokenizer.ggml.model", 8).String("llama");
  out.Array("tokenizer.ggml.tokens", 8, 1).String("a");
  const auto file = GgufFile::Parse(std::as_bytes(std::span(out.text())), "test.gguf");
  REQUIRE(file.ok());
  const auto refused = Tokenizer::Create(**file);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("tokenizer.ggml.scores") != std::string::npos);
}

TEST_CASE("SentencePiece vocabularies give llama.cpp's ids") {
  if (test::Shared("inference/tokens").empty()) {
    WARN("skipped: shared/inference is not here");
    return;
  }
  for (const std::string name : {"ggml-vocab-llama-spm", "ggml-vocab-phi-3"}) {
    const auto file = GgufFile::Open(test::Shared("inference/vocab/" + name + ".gguf").string());
    REQUIRE(file.ok());
    const auto tokenizer = Tokenizer::Create(**file);
    if (!tokenizer.ok()) FAIL(tokenizer.error().message);
    const json cases =
        json::parse(test::ReadFile(test::Shared("inference/tokens/" + name + ".json")));
    CHECK(cases["items"].size() == 150);
    for (const json& one : cases["items"]) {
      INFO(name << ": " << one["text"]);
      const std::string text = one["text"];
      CHECK((*tokenizer)->Encode(text, {}) == one["plain"].get<Ids>());
      CHECK((*tokenizer)->Encode(text, {.parse_special = true, .add_bos = std::nullopt}) ==
            one["special"].get<Ids>());
    }
    const std::string texts = test::ReadFile(test::Shared("inference/vocab/" + name + ".gguf.inp"));
    std::istringstream lines(test::ReadFile(test::Shared("inference/vocab/" + name + ".gguf.out")));
    const std::string separator = "\n__ggml_vocab_test__\n";
    std::string line;
    for (size_t at = 0; std::getline(lines, line);) {
      const size_t end = texts.find(separator, at);
      std::istringstream numbers(line);
      Ids expected;
      for (TokenId id = 0; numbers >> id;) expected.push_back(id);
      INFO(name << ": " << json(texts.substr(at, end - at)));
      CHECK((*tokenizer)->Encode(texts.substr(at, end - at), {}) == expected);
      at = end + separator.size();
    }
  }
}

}  // namespace
}  // namespace hearth::model
