#include "model/tokenizer/split_pattern.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "model/tokenizer/utf8.h"

namespace hearth::model {
namespace {

std::vector<std::string> Split(const char* pattern, std::string_view text) {
  std::vector<TextCharacter> characters;
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = DecodeUtf8(text.substr(at));
    characters.push_back({step.code_point, static_cast<uint32_t>(at), CategoryOf(step.code_point)});
    at += step.length;
  }
  std::vector<size_t> ends;
  SplitPattern(pattern).Split(characters, 0, characters.size(), ends);
  std::vector<std::string> pieces;
  size_t begin = 0;
  for (const size_t end : ends) {
    const size_t stop = end < characters.size() ? characters[end].offset : text.size();
    pieces.emplace_back(text.substr(begin, stop - begin));
    begin = stop;
  }
  return pieces;
}

using Pieces = std::vector<std::string>;

TEST_CASE("what lies between matches is a piece too") {
  CHECK(Split("b+", "aabbcb") == Pieces{"aa", "bb", "c", "b"});
  CHECK(Split("x", "abc") == Pieces{"abc"});
  CHECK(Split("x", "").empty());
}

TEST_CASE("the first alternative that matches wins") {
  CHECK(Split("ab|abc", "abcd") == Pieces{"ab", "cd"});
  CHECK(Split("abc|ab", "abcd") == Pieces{"abc", "d"});
}

TEST_CASE("quantifiers are greedy and give back") {
  CHECK(Split("a*ab", "aaab") == Pieces{"aaab"});
  CHECK(Split("\\p{N}{1,3}", "1234567") == Pieces{"123", "456", "7"});
  CHECK(Split("[0-9][0-9][0-9]", "12345") == Pieces{"123", "45"});
  CHECK(Split("a{2}", "aaaaa") == Pieces{"aa", "aa", "a"});
  CHECK(Split(" ?x", " xx x") == Pieces{" x", "x", " x"});
}

TEST_CASE("a match of nothing is none") { CHECK(Split("a*", "bab") == Pieces{"b", "a", "b"}); }

TEST_CASE("look-ahead looks at one character and the end") {
  CHECK(Split("\\s+(?!\\S)", "a   b  ") == Pieces{"a", "  ", " b", "  "});
  CHECK(Split("a(?=b)", "aab") == Pieces{"a", "a", "b"});
}

TEST_CASE("$ is the end of the piece") {
  CHECK(Split("a+$", "aabaa") == Pieces{"aab", "aa"});
  CHECK(Split("a$|b", "aba") == Pieces{"a", "b", "a"});
}

TEST_CASE("classes") {
  CHECK(Split("[^\\s\\p{L}]+", "ab1!c") == Pieces{"ab", "1!", "c"});
  CHECK(Split("[a\\-z]+", "a-zb") == Pieces{"a-z", "b"});
  CHECK(Split("[a-]+", "a-b") == Pieces{"a-", "b"});
  CHECK(Split("[\\]\\[]+", "x[]y") == Pieces{"x", "[]", "y"});
  CHECK(Split("[一-龥]+", "a你好b") == Pieces{"a", "你好", "b"});
  CHECK(Split("\\p{Lu}", "aÉb") == Pieces{"a", "É", "b"});
  CHECK(Split("\\d+", "x१२½") == Pieces{"x", "१२", "½"});
  CHECK(Split("[\\r\\n\\t]", "a\tb") == Pieces{"a", "\t", "b"});
}

TEST_CASE("groups may be optional") {
  CHECK(Split("a(?:'[sS]|x)?", "a'Saxa") == Pieces{"a'S", "ax", "a"});
  CHECK(Split("(?:'s|'t)|b", "b'tb") == Pieces{"b", "'t", "b"});
}

}  // namespace
}  // namespace hearth::model
