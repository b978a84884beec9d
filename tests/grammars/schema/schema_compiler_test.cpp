// Schemas written to be expensive: each ends within the budget, counted in steps and not by the
// clock, with an error that says which limit was met, or as a grammar whose masks end too.
#include "grammars/schema/schema_compiler.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <string>

#include "grammars/matcher.h"
#include "grammars/schema/json_text.h"
#include "tests/grammars/small_vocabulary.h"

using namespace hearth;
using namespace hearth::grammar;

namespace {

std::string Many(int count, const char* separator, const std::function<std::string(int)>& item) {
  std::string out;
  for (int i = 0; i < count; ++i) out += (i == 0 ? "" : separator) + item(i);
  return out;
}
std::string Name(const char* stem, int i) { return stem + std::to_string(i); }

struct Bomb {
  const char* name;
  std::string schema;
  const char* error;  // a part of it; null: it compiles; empty: either
};

std::vector<Bomb> Bombs() {
  const auto repeat = [](const std::string& text, int count) {
    return Many(count, "", [&](int) { return text; });
  };
  return {
      {"deep nesting", repeat(R"({"items":)", 100'000) + "{}" + std::string(100'000, '}'),
       "nested deeper than"},
      {"cyclic $ref",
       R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"allOf":[{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"})",
       "cyclic $ref"},
      {"a chain of $ref that doubles at each step",
       R"({"$defs":{)" +
           Many(2000, ",",
                [](int i) {
                  const std::string next =
                      R"({"$ref":"#/$defs/d)" + std::to_string(i + 1) + R"("})";
                  return Name("\"d", i) + R"(":{"allOf":[)" + next + "," + next + "]}";
                }) +
           R"(,"d2000":{}},"$ref":"#/$defs/d0"})",
       "too deeply nested"},
      {"exponential anyOf",
       R"({"allOf":[)" +
           Many(40, ",",
                [](int i) {
                  return R"({"anyOf":[{"required":[)" + Name("\"a", i) + R"("]},{"required":[)" +
                         Name("\"b", i) + R"("]}]})";
                }) +
           "]}",
       "combinations"},
      {"100,000 anyOf of one branch",
       R"({"allOf":[)" + Many(100'000, ",", [](int) { return R"({"anyOf":[{"minimum":1}]})"; }) +
           "]}",
       "too large"},
      {"3,000 alternatives of one oneOf",
       R"({"oneOf":[)" +
           Many(3'000, ",",
                [](int i) {
                  return R"({"type":"object","required":[)" + Name("\"p", i) + R"("]})";
                }) +
           "]}",
       "#"},
      {"100,000 enum values",
       R"({"enum":[)" + Many(100'000, ",", [](int i) { return Name("\"value-", i) + '"'; }) + "]}",
       nullptr},
      {"two enums of 100,000 values to intersect",
       R"({"allOf":[{"enum":[)" + Many(100'000, ",", [](int i) { return std::to_string(i); }) +
           R"(]},{"enum":[)" + Many(100'000, ",", [](int i) { return std::to_string(-i); }) +
           "]}]}",
       "too large"},
      {"a const of 100,000 characters", R"({"const":")" + std::string(100'000, 'a') + R"("})",
       "over 65000 bytes"},
      {"an enum of 100,000 objects",
       R"({"enum":[)" + Many(100'000, ",", [](int i) { return Name("{\"k\":", i) + "}"; }) + "]}",
       "too large"},
      {"20,000 properties",
       R"({"properties":{)" + Many(20'000, ",", [](int i) { return Name("\"p", i) + "\":{}"; }) +
           "}}",
       "too large"},
      {"100,000 required names",
       R"({"required":[)" + Many(100'000, ",", [](int i) { return Name("\"p", i) + '"'; }) + "]}",
       "too large"},
      {"exponential regex",
       R"({"type":"string","pattern":"^(([a-z]+)+)+[^a](a|b|ab)*.{50}(a.{30}){20}$"})", ""},
      {"determinisation", R"({"type":"string","pattern":"(a|b)*a(a|b){60}c"})", ""},
      {"nested counters",
       R"({"type":"string","pattern":"^((a{1,1000}){1,1000}){1,1000}$","maxLength":100000})", ""},
      {"a regex nested 100,000 deep",
       R"({"pattern":")" + std::string(100'000, '(') + std::string(100'000, ')') + R"("})",
       "pattern"},
      {"2,000 hard patterns with a bound on the length",
       R"({"properties":{)" +
           Many(2'000, ",",
                [](int i) {
                  return Name("\"p", i) +
                         R"(":{"type":"string","maxLength":90,"pattern":"(a|b)*a(a|b){30}c)" +
                         std::to_string(i) + R"("})";
                }) +
           "}}",
       ""},
  };
}

}  // namespace

TEST_CASE("compile bombs end inside the budget") {
  for (const Bomb& bomb : Bombs()) {
    INFO(bomb.name);
    SchemaCompiler compiler;
    auto schema = ParseJsonText(bomb.schema, SchemaCompiler::kMaxDepth);
    if (!schema.ok()) {
      REQUIRE(bomb.error != nullptr);
      CHECK(schema.error().message.find(bomb.error) != std::string::npos);
      continue;
    }
    const auto root = compiler.AddSchema(*std::move(schema), {});
    auto grammar = root.ok() ? compiler.Build(*root)
                             : Result<std::shared_ptr<const CompiledGrammar>>(root.error());
    // One step more may be begun at the limit; a proof of emptiness is the longest.
    CHECK(compiler.work() < SchemaCompiler::kMaxWork + SchemaCompiler::kMaxRegexWork + 500'000);
    INFO("work: " << compiler.work() << (grammar.ok() ? "" : "; " + grammar.error().message));
    if (bomb.error == nullptr) {
      REQUIRE(grammar.ok());
    } else if (*bomb.error != 0) {
      REQUIRE_FALSE(grammar.ok());
      CHECK(grammar.error().message.find(bomb.error) != std::string::npos);
    }
    if (!grammar.ok()) continue;
    Matcher matcher(*grammar, SmallVocabulary());
    const std::string text = "\"" + std::string(120, 'a');
    for (const char c : text) {
      TokenSet set;
      REQUIRE(matcher.FillMask(set).ok());
      if (!matcher.AcceptBytes({&c, 1})) break;
    }
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which keep what was freed
TEST_CASE("10,000 distinct schemas raise the resident memory by less than 64 MiB") {
  const auto resident = [] {
    std::ifstream statm("/proc/self/statm");
    size_t total = 0, pages = 0;
    statm >> total >> pages;
    return pages * 4096;
  };
  if (resident() == 0) {
    WARN("skipped: no /proc/self/statm");
    return;
  }
  const auto run = [](int i) {
    const std::string n = std::to_string(i);
    const auto grammar = CompileJsonSchemaText(
        R"({"type":"object","properties":{"name)" + n +
        R"(":{"type":"string","pattern":"^[a-z]{1,3)" + n +
        R"(}$"},"at":{"type":"string","format":"date-time"},"n":{"type":"integer","maximum":)" + n +
        R"(},"kind":{"enum":["a)" + n + R"(","b"]}},"required":["name)" + n + R"("]})");
    REQUIRE(grammar.ok());
    Matcher matcher(*grammar, SmallVocabulary());
    const std::string text = R"({"name)" + n + R"(": "abc", "at": "2024-01-01T00:00:00Z", "n": 1})";
    for (const char c : text) {
      TokenSet set;
      REQUIRE(matcher.FillMask(set).ok());
      REQUIRE(matcher.AcceptBytes({&c, 1}));
    }
    REQUIRE(matcher.CanEnd());
  };
  for (int i = 1; i <= 20; ++i) run(i);
  const size_t before = resident();
  for (int i = 21; i <= 10'020; ++i) run(i);
  const size_t after = resident();
  INFO("from " << before << " to " << after);
  CHECK(after < before + (size_t{64} << 20));
}
#endif
