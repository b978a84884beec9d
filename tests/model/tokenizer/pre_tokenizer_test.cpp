// Each family's words against those that Oniguruma makes of the published patterns
// (tests/golden/README.md).
#include "model/tokenizer/pre_tokenizer.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace hearth::model {
namespace {

TEST_CASE("every family cuts as its published patterns do") {
  const auto golden = nlohmann::json::parse(test::ReadFile(test::Golden("tokenizer/pieces.json")));
  CHECK(golden["families"].size() >= 14);
  for (const auto& [name, expected] : golden["families"].items()) {
    const auto family = PreTokenizer::Find(name);
    REQUIRE(family.ok());
    for (size_t i = 0; i < expected.size(); ++i) {
      const std::string text = golden["texts"][i];
      INFO(name << ": " << golden["texts"][i]);
      std::vector<size_t> lengths;
      for (const std::string_view word : family->Split(text)) lengths.push_back(word.size());
      CHECK(lengths == expected[i].get<std::vector<size_t>>());
    }
  }
}

TEST_CASE("words are the text, whatever its bytes") {
  const auto family = PreTokenizer::Find("llama-bpe");
  REQUIRE(family.ok());
  for (const std::string text :
       {"\xff\xfe", "a\x80z", "\xe2\x82", "\xf0\x9f\x98 x\xc0\xaf", "\xed\xa0\x80"}) {
    std::string joined;
    for (const std::string_view word : family->Split(text)) joined += word;
    CHECK(joined == text);
  }
  CHECK(family->Split("").empty());
}

TEST_CASE("families differ in more than patterns") {
  CHECK(PreTokenizer::Find("llama-bpe")->ignores_merges());
  CHECK(PreTokenizer::Find("llama-bpe")->adds_bos());
  CHECK_FALSE(PreTokenizer::Find("qwen2")->ignores_merges());
  CHECK_FALSE(PreTokenizer::Find("smollm")->adds_bos());
}

TEST_CASE("an unknown family is refused by name") {
  const auto family = PreTokenizer::Find("gpt-9");
  REQUIRE_FALSE(family.ok());
  CHECK(family.error().code == ErrorCode::kUnsupported);
  CHECK(family.error().message.find("'gpt-9'") != std::string::npos);
}

}  // namespace
}  // namespace hearth::model
