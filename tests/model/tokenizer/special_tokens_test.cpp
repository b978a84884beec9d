#include "model/tokenizer/special_tokens.h"

#include <catch2/catch.hpp>

namespace hearth::model {
namespace {

constexpr SpecialTokens::Range kWhole[] = {{0, 100}};

TEST_CASE("the first name is found, and the longest there") {
  SpecialTokens tokens;
  tokens.Add("<a>", 1, false);
  tokens.Add("<a><b>", 2, false);
  tokens.Add("<b>", 3, true);
  const auto found = tokens.Next("x<a><b><a>", 0, kWhole);
  REQUIRE(found.has_value());
  CHECK(found->begin == 1);
  CHECK(found->end == 7);
  CHECK(found->id == 2);
  CHECK(tokens.Next("x<a><b><a>", 7, kWhole)->id == 1);
  CHECK_FALSE(tokens.Next("x<a><c>", 2, kWhole).has_value());
}

TEST_CASE("without parsing only those that always count are found") {
  SpecialTokens tokens;
  tokens.Add("<a><b>", 2, false);
  tokens.Add("<b>", 3, true);
  const auto found = tokens.Next("<a><b>", 0, {});
  REQUIRE(found.has_value());
  CHECK(found->id == 3);
  CHECK(found->begin == 3);
}

TEST_CASE("a name that reaches out of the ranges is not found") {
  SpecialTokens tokens;
  tokens.Add("<a>", 1, false);
  tokens.Add("<a><b>", 2, false);
  const std::string_view text = "<a><a><b><a>";
  const auto next = [&](size_t from, std::vector<SpecialTokens::Range> ranges) {
    const auto found = tokens.Next(text, from, ranges);
    return found ? std::pair(found->begin, found->end) : std::pair(text.size(), text.size());
  };
  using Place = std::pair<size_t, size_t>;
  CHECK(next(0, {{1, 12}}) == Place{3, 9});
  CHECK(next(0, {{3, 8}}) == Place{3, 6});
  CHECK(next(0, {{0, 2}, {4, 8}, {9, 12}}) == Place{9, 12});
  CHECK(next(0, {{0, 2}, {9, 11}}) == Place{12, 12});
  CHECK(next(4, {{0, 3}, {3, 9}}) == Place{12, 12});
}

TEST_CASE("an empty name is never found") {
  SpecialTokens tokens;
  tokens.Add("", 1, true);
  CHECK_FALSE(tokens.Next("abc", 0, kWhole).has_value());
  CHECK_FALSE(tokens.Next("", 0, kWhole).has_value());
}

}  // namespace
}  // namespace hearth::model
