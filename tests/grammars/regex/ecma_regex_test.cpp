// Patterns as languages: what they match anywhere in a string, and what is refused.
#include "grammars/regex/ecma_regex.h"

#include <catch2/catch.hpp>

using namespace hearth;
using namespace hearth::grammar;

namespace {

struct Case {
  const char* pattern;
  std::vector<const char*> match, miss;
};

const std::vector<Case> kCases = {
    {"", {"", "x"}, {}},
    {"b+c", {"abbcx", "bc"}, {"ab", ""}},
    {"^a|b$", {"ax", "xb"}, {"xa", "bx"}},
    {"^(?:a|bc){2,3}$", {"aa", "abca", "bcbc"}, {"a", "aaaa", "ab"}},
    {"^[^a-c\\d]$", {"d", "é", "\n"}, {"a", "5", ""}},
    {"^\\w\\s\\S\\W$", {"a b-"}, {"a b1", "ab c-"}},
    {"^.$", {"a", "é"}, {"\n", "ab"}},
    {"^\\p{Lu}\\P{L}$", {"É1"}, {"é1", "ÉA"}},
    {"^\\u0041\\x42\\cJ\\t\\0$", {}, {"AB"}},
    {"^\\u{1f422}\\ud83d\\udc22$", {"🐢🐢"}, {"🐢"}},
    {"^a{0}b{2}c{1,}$", {"bbc", "bbccc"}, {"abbc", "bc"}},
    {"^(?=.*\\d)(?=.*[a-z]).{3,}$", {"a1x", "xx1"}, {"abc", "123", "a1"}},
    {"^(?!foo)\\w+$", {"bar", "fo"}, {"foo", "foobar"}},
    {"a(?=b)", {"ab", "xaby"}, {"ac", "a"}},
    {"^$", {""}, {"a"}},
    {"a^b", {}, {"ab", "a"}},
    {"(?:)*x", {"x"}, {"y"}},
    {"^[a\\]\\-]+$", {"a]-"}, {"b"}},
    {"^\\$\\.\\/\\{$", {"$./{"}, {"x"}},
    {"^(?<year>\\d{4})-(?:\\d\\d)$", {"2024-01"}, {"24-01"}},
};

const char* kRefused[] = {
    "(a)\\1", "(?<=a)b", "(?<!a)b",           "\\bfoo", "\\k<x>", "[", "a{2,1}", "(",
    ")",      "*a",      "\\p{Script=Greek}", "a**",    "(?i)a",  "\\"};

}  // namespace

TEST_CASE("patterns match where ECMA-262 says they do") {
  for (const Case& c : kCases) {
    INFO(c.pattern);
    ExpressionStore store;
    const auto language = ParseEcmaRegex(c.pattern, store);
    REQUIRE(language.ok());
    const auto matches = [&](const char* utf8) {
      std::u32string text;
      REQUIRE(DecodeUtf8(utf8, text));
      return store.Matches(*language, text);
    };
    for (const char* text : c.match) {
      INFO("match: " << text);
      CHECK(matches(text));
    }
    for (const char* text : c.miss) {
      INFO("miss: " << text);
      CHECK_FALSE(matches(text));
    }
  }
}

TEST_CASE("what is not a regular language or not a pattern is refused with a reason") {
  for (const char* pattern : kRefused) {
    INFO(pattern);
    ExpressionStore store;
    const auto language = ParseEcmaRegex(pattern, store);
    REQUIRE_FALSE(language.ok());
    CHECK(language.error().message.size() > 10);
  }
}

TEST_CASE("UTF-8 is read strictly and written back") {
  std::u32string text;
  CHECK(DecodeUtf8("a\u00e9\u65e5\U0001f422", text));
  CHECK(text == U"a\u00e9\u65e5\U0001f422");
  std::string back;
  for (const char32_t c : text) AppendUtf8(c, back);
  CHECK(back == "a\u00e9\u65e5\U0001f422");
  for (const char* wrong : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xe6\x97", "\xff"}) {
    std::u32string ignored;
    CHECK_FALSE(DecodeUtf8(wrong, ignored));
  }
}
