#include "runtime/serving/prompt_tokens.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/files.h"

namespace hearth::serving {
namespace {

TEST_CASE("a prompt's control tokens are the template's and nobody else's") {
  const auto file = model::GgufFile::Open(test::Golden("tokenizer/small.gguf").string());
  REQUIRE(file.ok());
  const auto tokenizer = model::Tokenizer::Create(**file);
  REQUIRE(tokenizer.ok());
  const auto parsed = ChatTemplate::Parse(test::ReadFile(test::Golden("templates/qwen3.jinja")));
  REQUIRE(parsed.ok());
  const Json cases = Json::parse(test::ReadFile(test::Golden("templates/cases.json")));
  const auto count = [&](const std::vector<TokenId>& ids, const char* name) {
    return std::count(ids.begin(), ids.end(), *(*tokenizer)->FindSpecial(name));
  };
  for (const auto& [name, given] : cases.items()) {
    INFO(name);
    const auto prompt = (*parsed)->Render(given["messages"], Json(), {});
    REQUIRE(prompt.ok());
    const std::vector<TokenId> ids = EncodePrompt(**tokenizer, *prompt);
    if (name == "control_tokens_in_data") {
      CHECK(count(ids, "<|im_start|>") == 2);
      CHECK(count(ids, "<|im_end|>") == 1);
    } else {
      CHECK(ids == (*tokenizer)->Encode(prompt->text(), {.parse_special = true}));
    }
    CHECK((*tokenizer)->Decode(ids, true) == prompt->text());
  }
}

}  // namespace
}  // namespace hearth::serving
