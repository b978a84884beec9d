// Masks against the naive walker at every step of random generations; forks, rollbacks, forced
// bytes.
#include "grammars/matcher.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>

#include "grammars/grammar_builder.h"
#include "tests/grammars/naive_mask.h"
#include "tests/grammars/small_vocabulary.h"
#include "tests/support/files.h"

using namespace hearth;
using namespace hearth::grammar;
using Json = nlohmann::ordered_json;

namespace {

const char* kSchemas[] = {
    R"({"type":"object","properties":{"name":{"type":"string"},"n":{"type":"integer"},"x":{"type":["number","null"]}},"required":["n"],"additionalProperties":false})",
    R"({"type":"object","properties":{"name":{"type":"string","maxLength":5},"nam":{"enum":["ab","abc","é","a\"b"]}}})",
    R"({"type":"array","items":{"type":"string","pattern":"^[a-z]+$"},"maxItems":3})",
    R"({"type":"array","items":{"type":"string","minLength":2,"maxLength":22}})",
    R"({"anyOf":[{"type":"string","pattern":"ab"},{"type":"object","additionalProperties":{"type":"number"},"minProperties":1,"maxProperties":2}]})",
    R"({"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer","minimum":-5,"maximum":150},"k":{"type":"array","items":{"$ref":"#/$defs/n"}}},"required":["v"]}},"$ref":"#/$defs/n"})",
    R"({"anyOf":[{"type":"object","properties":{"a":{"const":1},"name":{"type":"string"}},"required":["a"]},{"type":"object","properties":{"a":{"const":12},"name":{"type":"boolean"}},"required":["a"]}]})",
    R"({"enum":[1,12,123,"name","hello world",null,{"a":[1,2]}]})",
    R"({"type":"array","items":{"enum":["a","ab","abc"]},"uniqueItems":true,"minItems":2})",
    R"({"type":"array","contains":{"const":12},"items":{"type":"integer"},"maxItems":3})",
    R"({"type":"string","format":"date"})",
    R"(true)",
};

void CheckAgainstNaive(const std::shared_ptr<const CompiledGrammar>& grammar, uint32_t seed) {
  const auto vocabulary = SmallVocabulary();
  std::mt19937 random(seed);
  Matcher matcher(grammar, vocabulary);
  std::vector<uint32_t> bits(vocabulary->mask_words());
  for (int step = 0; step < 60; ++step) {
    if (matcher.steps() > 0 && random() % 8 == 0) matcher.Rollback(random() % 4);
    const std::vector<bool> naive = NaiveMask(matcher, *vocabulary);
    TokenSet set;
    REQUIRE(matcher.FillMask(set).ok());
    REQUIRE(matcher.mask_is_exact());
    set.ToBitmask(bits);
    std::vector<TokenId> allowed;
    for (size_t i = 0; i < naive.size(); ++i) {
      const auto id = static_cast<TokenId>(i);
      INFO("token " << i << " after " << matcher.steps() << " steps");
      REQUIRE(naive[i] == ((bits[i / 32] >> (i % 32) & 1) != 0));
      REQUIRE(naive[i] == set.Contains(id));
      if (naive[i]) allowed.push_back(id);
    }
    const std::string forced = matcher.ForcedBytes(64);
    Matcher fork = matcher;
    REQUIRE(fork.AcceptBytes(forced));
    const TokenId next = allowed[random() % allowed.size()];
    REQUIRE(matcher.Accept(next));
    if (matcher.ended()) break;
    if (!forced.empty() && vocabulary->IsText(next)) {
      const std::string_view bytes = vocabulary->Bytes(next);
      const size_t common = std::min(bytes.size(), forced.size());
      REQUIRE(bytes.substr(0, common) == forced.substr(0, common));
    }
  }
}

}  // namespace

TEST_CASE("masks equal the naive walker's on random generations") {
  for (const char* schema : kSchemas) {
    for (const auto whitespace :
         {JsonSchemaOptions::Whitespace::kAny, JsonSchemaOptions::Whitespace::kCompact}) {
      for (const bool any_order : {false, true}) {
        JsonSchemaOptions options;
        options.whitespace = whitespace;
        options.any_order = any_order;
        const auto grammar = CompileJsonSchema(Json::parse(schema), options);
        INFO(schema << (grammar ? "" : grammar.error().message));
        REQUIRE(grammar.ok());
        for (uint32_t seed = 0; seed < 12; ++seed) CheckAgainstNaive(*grammar, seed);
      }
    }
  }
}

TEST_CASE("bare text and a string of the same pattern do not share masks") {
  GrammarBuilder b;
  const auto text = b.Regex("[0-9]{4}-[0-9]{2}");
  REQUIRE(text.ok());
  const auto bare = std::move(b).Build(*text);
  const auto quoted =
      CompileJsonSchema(Json::parse(R"({"type":"string","pattern":"^[0-9]{4}-[0-9]{2}$"})"), {});
  REQUIRE(bare.ok());
  REQUIRE(quoted.ok());
  for (const auto& grammar : {*bare, *quoted, *bare}) {
    for (uint32_t seed = 0; seed < 12; ++seed) CheckAgainstNaive(grammar, seed);
  }
}

TEST_CASE("masks of a tool-call region equal the naive walker's") {
  GrammarBuilder b;
  const auto schema = b.JsonSchema(Json::parse(kSchemas[0]));
  REQUIRE(schema.ok());
  const auto call = b.Sequence({b.Literal("<tool_call>"), *schema, b.Token(CallToken())});
  const auto grammar =
      std::move(b).Build(b.Repeat(b.Sequence({b.TextUntil({"<tool_call>", "</s>"}), call}), 1, 2));
  REQUIRE(grammar.ok());
  for (uint32_t seed = 0; seed < 60; ++seed) CheckAgainstNaive(*grammar, seed);
}

TEST_CASE("text ends where the trigger begins, in the middle of a token too") {
  GrammarBuilder b;
  const auto grammar = std::move(b).Build(
      b.Sequence({b.TextUntil({"<tool_call>"}),
                  b.Optional(b.Sequence({b.Literal("<tool_call>"), b.Literal("x")}))}));
  REQUIRE(grammar.ok());
  Matcher matcher(*grammar, SmallVocabulary());
  REQUIRE(matcher.AcceptBytes("hello <"));
  REQUIRE(matcher.CanEnd());
  REQUIRE(matcher.AcceptBytes("tool_cal"));
  REQUIRE(matcher.CanEnd());
  REQUIRE_FALSE(matcher.AcceptBytes("l>y"));
  REQUIRE(matcher.AcceptBytes("l>"));
  REQUIRE_FALSE(matcher.CanEnd());
  REQUIRE(matcher.ForcedBytes() == "x");
  REQUIRE(matcher.AcceptBytes("x"));
  REQUIRE(matcher.CanEnd());
}

TEST_CASE("a special token is matched by id and never as text") {
  GrammarBuilder b;
  const auto grammar = std::move(b).Build(b.Choice({b.Literal("<|call|>"), b.Token(CallToken())}));
  REQUIRE(grammar.ok());
  Matcher matcher(*grammar, SmallVocabulary());
  TokenSet set;
  REQUIRE(matcher.FillMask(set).ok());
  REQUIRE(set.Contains(CallToken()));
  REQUIRE(set.Contains('<'));
  REQUIRE(matcher.Accept(CallToken()));
  REQUIRE(matcher.FillMask(set).ok());
  REQUIRE(set.kind == TokenSet::Kind::kOne);
  REQUIRE(set.one == EndToken());
  REQUIRE(matcher.Accept(EndToken()));
  REQUIRE(matcher.ended());
  REQUIRE_FALSE(matcher.FillMask(set).ok());
  matcher.Rollback(2);
  REQUIRE_FALSE(matcher.ended());
}

TEST_CASE("what is refused changes nothing; drafts are measured without being taken") {
  const auto grammar = CompileJsonSchema(Json::parse(R"({"enum":["ab","abc"]})"));
  REQUIRE(grammar.ok());
  Matcher matcher(*grammar, SmallVocabulary());
  REQUIRE_FALSE(matcher.Accept(-1));
  REQUIRE_FALSE(matcher.Accept(1 << 30));
  REQUIRE_FALSE(matcher.Accept(EndToken()));
  REQUIRE(matcher.ForcedBytes() == "\"ab");
  const std::vector<TokenId> draft = {'"', 'a', 'b', 'd'};
  REQUIRE(matcher.AllowedPrefix(draft) == 3);
  REQUIRE(matcher.steps() == 0);
  matcher.Rollback(7);
  REQUIRE(matcher.AcceptBytes("\"abc\""));
  REQUIRE(matcher.CanEnd());
}

TEST_CASE("masks of a real vocabulary equal the naive walker's, where one is at hand") {
  const auto folder = test::Shared("grammar");
  if (folder.empty()) {
    WARN("skipped: no shared/grammar beside the repository");
    return;
  }
  const auto vocabulary = Vocabulary::ReadGvoc((folder / "vocab-smollm2-49k.gvoc").string());
  REQUIRE(vocabulary.ok());
  std::ifstream in(folder / "hard.jsonl");
  std::string line;
  std::mt19937 random(3);
  std::vector<uint32_t> bits((*vocabulary)->mask_words());
  while (std::getline(in, line)) {
    const Json record = Json::parse(line);
    const auto grammar = CompileJsonSchemaText(record["schema"].dump());
    if (!grammar) continue;
    Matcher matcher(*grammar, *vocabulary);
    for (int step = 0; step < 5 && !matcher.ended(); ++step) {
      INFO(record["id"] << " after " << step << " tokens");
      const std::vector<bool> naive = NaiveMask(matcher, **vocabulary);
      REQUIRE(matcher.FillBitmask(bits).ok());
      std::vector<TokenId> allowed;
      size_t different = 0;
      for (size_t i = 0; i < naive.size(); ++i) {
        different += naive[i] != ((bits[i / 32] >> (i % 32) & 1) != 0);
        if (naive[i]) allowed.push_back(static_cast<TokenId>(i));
      }
      REQUIRE(different == 0);
      REQUIRE(matcher.Accept(allowed[random() % allowed.size()]));
    }
  }
}
