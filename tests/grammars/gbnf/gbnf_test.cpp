#include "grammars/gbnf/gbnf.h"

#include "tests/grammars/notation_cases.h"

namespace hearth::grammar {
namespace {

const auto kAdd = [](GrammarBuilder& builder, const std::string& text) {
  return AddGbnf(builder, text);
};

// JSON as grammars for llama.cpp write it.
constexpr const char* kJson = R"(# a document
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws

array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws

string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws

number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws

# Optional space: by convention, applied in this grammar after literal chars when allowed
ws ::= | " " | "\n" [ \t]{0,20}
)";

TEST_CASE("grammars in GBNF hold what they say") {
  CheckNotation(
      {
          {"root ::= \"yes\" | \"no\"", {"yes", "no"}, {"", "ye", "yesno", "maybe"}},
          {"root ::= [a-c]+ \"-\" [^a-c]?", {"abc-", "a-x", "b-é"}, {"-", "d-", "a-b", "a-xx"}},
          {"root ::= a b*\na ::= \"x\"\nb ::= \"(\" root \")\"",
           {"x", "x(x)", "x(x(x)(x))"},
           {"x(", "(x)"}},
          {"root ::= \"a\"{2} \"b\"{1,} \"c\"{0,2}", {"aab", "aabbcc"}, {"ab", "aac", "aabccc"}},
          {"root ::= \"\\\"\\n\\t\\\\\\x41\\u00e9\\U0001F422\"", {"\"\n\t\\Aé🐢"}, {"A"}},
          {"root ::= . .", {"ab", "日本", "\n\n"}, {"a", "abc"}},
          {"root ::= \"a\" |\n  \"b\"\n  | \"c\"\n", {"a", "b", "c"}, {"d"}},
          {"# nothing\nroot ::= \"a\" # here\n\n\n", {"a"}, {"b"}},
          {"root ::= (\"a\" |\n \"b\")* \"\"", {"", "abba"}, {"c"}},
          {"root ::= [\\]\\-x]", {"]", "-", "x"}, {"\\"}},
          {kJson,
           {"{}", "{\"a\": [1, -2.5e1, \"x\\u00e9\\n\", true, null]}", "{\"a\":{\"b\":[]}} "},
           {"[]", "{\"a\"}", "{'a': 1}", "{\"a\": 01}"}},
      },
      kAdd);
}

TEST_CASE("a token is named by its id") {
  GrammarBuilder builder;
  const auto part = AddGbnf(builder, Concat("root ::= \"a\" <[", CallToken(), "]> \"b\""));
  REQUIRE(part.ok());
  const auto grammar = std::move(builder).Build(*part);
  REQUIRE(grammar.ok());
  CHECK((*grammar)->names_tokens());
  Matcher matcher(*grammar, SmallVocabulary());
  REQUIRE(matcher.AcceptBytes("a"));
  CHECK_FALSE(matcher.AcceptBytes("<|call|>"));
  CHECK(matcher.Accept(CallToken()));
  CHECK(matcher.AcceptBytes("b"));
  CHECK(matcher.CanEnd());
}

TEST_CASE("what is wrong in a grammar is named with its line") {
  CheckRefused(
      {
          {"", "no rule 'root'"},
          {"a ::= \"x\"", "no rule 'root'"},
          {"root ::= a", "'a' is used and not defined"},
          {"root ::= \"a\"\nroot ::= \"b\"", "line 2"},
          {"root = \"a\"", "::="},
          {"root ::= \"a", "not closed"},
          {"root ::= [a", "not closed"},
          {"root ::= (\"a\"", "')' is missing"},
          {"root ::= \"a\" )", "belongs to no rule"},
          {"root ::= [b-a]", "backwards"},
          {"root ::= \"a\"{3,2}", "below the lower"},
          {"root ::= \"a\"{1000001}", "too large"},
          {"root ::= \"\\q\"", "no escape"},
          {"root ::= \"\\uD800\"", "no Unicode character"},
          {"root ::= <think>", "unsupported"},
          {"root ::= root \"a\" | \"b\"", "left recursion"},
          {"root ::= a\na ::= \"\"? b\nb ::= a \"x\"", "left recursion"},
          {"root ::= \"a\" root", "unsatisfiable"},
          {std::string(200, '(') + "root", "name is missing"},
          {"root ::= " + std::string(200, '('), "nested too deeply"},
          {"root ::= \"\xff\"", "not UTF-8"},
      },
      kAdd);
}

}  // namespace
}  // namespace hearth::grammar
