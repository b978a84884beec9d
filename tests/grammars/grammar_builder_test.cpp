#include "grammars/grammar_builder.h"

#include <catch2/catch.hpp>

#include "tests/grammars/notation_cases.h"

namespace hearth::grammar {
namespace {

using Json = nlohmann::ordered_json;
using Grammar = std::shared_ptr<const CompiledGrammar>;

// The bare strings of the schema between angle brackets.
Result<Grammar> Between(const std::string& schema, const std::string& document = "") {
  GrammarBuilder b;
  GrammarBuilder::Document within = nullptr;
  if (!document.empty()) {
    HEARTH_TRY(within, b.AddDocument(Json::parse(document)));
  }
  HEARTH_TRY(const auto inside, b.BareStrings(Json::parse(schema), {"</v>"}, within));
  return std::move(b).Build(b.Sequence({b.Literal("<v>"), inside, b.Literal("</v>")}));
}

TEST_CASE("bare strings obey their schema, and hold no stop") {
  struct Case {
    std::string schema;
    std::vector<std::string> held, refused;
  };
  const Case cases[] = {
      {"{}", {"", "a\"b\\ <v", "\n", "</v", "日本"}, {"a</v>b"}},
      {R"({"type": "string"})", {"", "x"}, {"</v>"}},
      {R"({"type": "string", "minLength": 2, "maxLength": 3})",
       {"ab", "日本é", "</v"},
       {"", "a", "abcd", "日本é!"}},
      {R"({"minLength": 1, "maxLength": 5})", {"</v"}, {"", "</v>a", "abcdef"}},
      {R"({"maxLength": 0})", {""}, {"a"}},
      {R"({"pattern": "^[a-z]+$"})", {"abc"}, {"", "aB", "\"abc\""}},
      {R"({"pattern": "v"})", {"v", "<v>", "</v"}, {"", "</v>"}},
      {R"({"pattern": "^[^x]*$", "minLength": 3, "maxLength": 8})",
       {"a</v", "a\nb"},
       {"ab", "axb"}},
      {R"({"format": "date"})", {"2026-11-21"}, {"2026-13-01", "today"}},
      {R"({"enum": ["a", "</v>", 5, "a b"]})", {"a", "a b"}, {"</v>", "5", ""}},
      {R"({"enum": ["low", "high"], "pattern": "^h"})", {"high"}, {"low"}},
      {R"({"anyOf": [{"const": "x"}, {"type": "integer"}, {"pattern": "^y+$"}]})",
       {"x", "yy"},
       {"5", "xy"}},
      {R"({"type": ["string", "null"], "maxLength": 4})", {"null", "ab"}, {"abcde"}},
      {R"({"not": {"const": "no"}})", {"yes", "n", "noo"}, {"no"}},
  };
  for (const Case& c : cases) {
    const auto grammar = Between(c.schema);
    CAPTURE(c.schema);
    if (!grammar.ok()) FAIL(grammar.error().message);
    for (const std::string& text : c.held) {
      CAPTURE(text);
      CHECK(Holds(*grammar, "<v>" + text + "</v>"));
    }
    for (const std::string& text : c.refused) {
      CAPTURE(text);
      CHECK_FALSE(Holds(*grammar, "<v>" + text + "</v>"));
    }
  }
}

TEST_CASE("a length bound of bare strings is counted, however large") {
  for (const char* schema : {R"({"minLength": 3, "maxLength": 100000})",
                             R"({"pattern": "^[a-z ]*$", "minLength": 3, "maxLength": 100000})"}) {
    const auto grammar = Between(schema);
    CAPTURE(schema);
    REQUIRE(grammar.ok());
    const auto allows = [&](size_t length) {
      Matcher matcher(*grammar, nullptr);
      return matcher.AcceptBytes("<v>" + std::string(length, 'a') + "</v>") && matcher.CanEnd();
    };
    CHECK_FALSE(allows(2));
    CHECK(allows(3));
    CHECK(allows(100000));
    CHECK_FALSE(allows(100001));
  }
}

TEST_CASE("references of a part mean places in its document") {
  const std::string document = R"({"properties": {"a": {"pattern": "^a+$"}},
      "$defs": {"b": {"$ref": "#/properties/a", "maxLength": 2}}})";
  const auto grammar = Between(R"({"$ref": "#/$defs/b"})", document);
  REQUIRE(grammar.ok());
  CHECK(Holds(*grammar, "<v>aa</v>"));
  CHECK_FALSE(Holds(*grammar, "<v>aaa</v>"));
  CHECK_FALSE(Between(R"({"$ref": "#/$defs/c"})", document).ok());
  CHECK_FALSE(Between(R"({"$ref": "#/$defs/b"})").ok());
}

TEST_CASE("where no string can be written, no text matches") {
  for (const char* schema : {R"({"type": "integer"})", R"({"const": "a</v>"})", "false"}) {
    const auto grammar = Between(schema);
    CAPTURE(schema);
    REQUIRE_FALSE(grammar.ok());
    CHECK_THAT(grammar.error().message, Catch::Contains("no text matches"));
  }
}

}  // namespace
}  // namespace hearth::grammar
