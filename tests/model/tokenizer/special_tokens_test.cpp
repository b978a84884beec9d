#include "model/tokenizer/special_tokens.h"

#include <catch2/catch.hpp>

namespace hearth::model {
namespace {

TEST_CASE("the first name is found, and the longest there") {
  SpecialTokens tokens;
  tokens.Add("<a>", 1, false);
  tokens.Add("<a><b>", 2, false);
  tokens.Add("<b>", 3, true);
  const auto found = tokens.Next("x<a><b><a>", 0, true);
  REQUIRE(found.has_value());
  CHECK(found->begin == 1);
  CHECK(found->end == 7);
  CHECK(found->id == 2);
  CHECK(tokens.Next("x<a><b><a>", 7, true)->id == 1);
  CHECK_FALSE(tokens.Next("x<a><c>", 2, true).has_value());
}

TEST_CASE("without parsing only those that always count are found") {
  SpecialTokens tokens;
  tokens.Add("<a><b>", 2, false);
  tokens.Add("<b>", 3, true);
  const auto found = tokens.Next("<a><b>", 0, false);
  REQUIRE(found.has_value());
  CHECK(found->id == 3);
  CHECK(found->begin == 3);
}

TEST_CASE("an empty name is never found") {
  SpecialTokens tokens;
  tokens.Add("", 1, true);
  CHECK_FALSE(tokens.Next("abc", 0, true).has_value());
  CHECK_FALSE(tokens.Next("", 0, true).has_value());
}

}  // namespace
}  // namespace hearth::model
