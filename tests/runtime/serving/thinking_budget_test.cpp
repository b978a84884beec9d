#include "runtime/serving/thinking_budget.h"

#include <catch2/catch.hpp>

#include "model/gguf.h"
#include "tests/runtime/serving/control_tokens.h"
#include "tests/support/files.h"

namespace hearth::serving {
namespace {

std::shared_ptr<const model::Tokenizer> TinyTokenizer() {
  const auto file =
      model::GgufFile::Open(test::Golden("inference/tiny/llama-test-F16.gguf").string());
  REQUIRE(file.ok());
  return *model::Tokenizer::Create(**file);
}

struct Fixture {
  const std::shared_ptr<const model::Tokenizer> tokenizer = TinyTokenizer();

  ThinkingBudget Make(bool open, uint32_t budget) const {
    return ThinkingBudget(nullptr, tokenizer, *FindFormat("hermes"), open, budget);
  }
  std::vector<TokenId> Encode(std::string_view text) const { return tokenizer->Encode(text, {}); }
  std::string Forced(ThinkingBudget& budget) const {
    std::vector<TokenId> run;
    budget.ForcedRun(run);
    return tokenizer->Decode(run, true);
  }
};

TEST_CASE_METHOD(Fixture, "a block that is open is closed after as many tokens as the budget has") {
  for (const uint32_t limit : {0u, 1u, 5u}) {
    ThinkingBudget budget = Make(true, limit);
    for (uint32_t i = 0; i < limit; ++i) {
      CHECK(budget.IsFree());
      CHECK(budget.CanEnd());
      REQUIRE(budget.Accept(Encode("x")[0]));
    }
    CHECK_FALSE(budget.IsFree());
    CHECK_FALSE(budget.CanEnd());
    CHECK(Forced(budget) == "</think>");
    CHECK_FALSE(budget.Accept(Encode("x")[0]));
    for (const TokenId id : Encode("</think>")) REQUIRE(budget.Accept(id));
    CHECK(budget.IsFree());
    CHECK(Forced(budget).empty());
    for (const TokenId id : Encode("and so on and on")) CHECK(budget.Accept(id));
    CHECK(budget.IsFree());
  }
}

TEST_CASE_METHOD(Fixture, "a model that closes its block, or opens none, is left alone") {
  ThinkingBudget closes = Make(true, 100);
  for (const TokenId id : Encode("short</think>")) REQUIRE(closes.Accept(id));
  for (int i = 0; i < 200; ++i) REQUIRE(closes.Accept(Encode("x")[0]));
  CHECK(closes.IsFree());

  ThinkingBudget opens_none = Make(false, 3);
  for (const TokenId id : Encode("<thin ice ahead of us>")) REQUIRE(opens_none.Accept(id));
  CHECK(opens_none.IsFree());

  ThinkingBudget opens = Make(false, 2);
  for (const TokenId id : Encode("<think>")) REQUIRE(opens.Accept(id));
  for (int i = 0; i < 2; ++i) REQUIRE(opens.Accept(Encode("x")[0]));
  CHECK(Forced(opens) == "</think>");
}

TEST_CASE("a call that ends reasoning ends its budget") {
  const auto kimi = TokenizerWith(kKimiTokens);
  const ChatFormat bound = FindFormat("kimi_k2")->Bind(*kimi);
  for (const bool as_token : {true, false}) {
    ThinkingBudget budget(nullptr, kimi, bound, true, 40);
    const std::string text = "so <|tool_calls_section_begin|>";
    for (const TokenId id : kimi->Encode(text, {.parse_special = as_token})) {
      REQUIRE(budget.Accept(id));
    }
    for (int i = 0; i < 9; ++i) REQUIRE(budget.Accept(kimi->Encode("x", {})[0]));
    CHECK(budget.IsFree() == as_token);
  }
}

TEST_CASE_METHOD(Fixture, "a draft is taken as far as the budget goes, and steps are taken back") {
  ThinkingBudget budget = Make(true, 3);
  const TokenId x = Encode("x")[0];
  const std::vector<TokenId> draft(6, x);
  CHECK(budget.AllowedPrefix(draft) == 3);
  for (int i = 0; i < 3; ++i) REQUIRE(budget.Accept(x));
  CHECK_FALSE(budget.IsFree());
  budget.Rollback(2);
  CHECK(budget.IsFree());
  CHECK(budget.AllowedPrefix(draft) == 2);
}

}  // namespace
}  // namespace hearth::serving
