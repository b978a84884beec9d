#include "grammars/notation/rule_table.h"

#include <catch2/catch.hpp>

#include "tests/grammars/notation_cases.h"

namespace hearth::grammar {
namespace {

struct Fixture {
  GrammarBuilder builder;
  TextScanner in{"test", "one\ntwo\n"};
  RuleTable rules{builder, in};
};

TEST_CASE_METHOD(Fixture, "a rule may be used before it is defined, and in itself") {
  REQUIRE(rules.Declare("start").ok());
  rules.Define("start",
               builder.Sequence({rules.Use("word"), builder.Optional(rules.Use("start"))}));
  REQUIRE(rules.Declare("word").ok());
  rules.Define("word", builder.Literal("ab"));
  const auto start = rules.Finish("start");
  REQUIRE(start.ok());
  const auto grammar = std::move(builder).Build(*start);
  REQUIRE(grammar.ok());
  CHECK(Holds(*grammar, "ababab"));
  CHECK_FALSE(Holds(*grammar, "aba"));
}

TEST_CASE_METHOD(Fixture, "what is missing or there twice is named, with its line") {
  in.Move(4);
  CHECK_THAT(rules.Finish("start").error().message, Catch::Contains("no rule 'start'"));
  REQUIRE(rules.Declare("start").ok());
  const Status twice = rules.Declare("start");
  REQUIRE_FALSE(twice.ok());
  CHECK(twice.error().message == "test, line 2: 'start' is defined twice");
  rules.Define("start", rules.Use("word"));
  CHECK_THAT(rules.Finish("start").error().message,
             Catch::Contains("'word' is used and not defined"));
}

}  // namespace
}  // namespace hearth::grammar
