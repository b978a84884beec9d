#include "runtime/base/unicode.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>

namespace hearth {
namespace {

TEST_CASE("every code point survives encoding and decoding, malformed bytes do not") {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    AppendUtf8(text, c);
    std::string_view rest = text;
    if (!IsUtf8(text) || TakeCodePoint(rest) != c || !rest.empty()) FAIL("code point " << int(c));
  }
  for (const std::string_view text :
       {"\x80", "\xC3", "\xC0\xAF", "\xE2\x82", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88",
        "\xF0\x80\x80\xAF", "a\xFFz"}) {
    CHECK_FALSE(IsUtf8(text));
  }
  std::string_view broken = "\xE2\x82z";
  CHECK(TakeCodePoint(broken) == 0xFFFD);
  CHECK(TakeCodePoint(broken) == 0xFFFD);
  CHECK(TakeCodePoint(broken) == U'z');
  CHECK(CountCodePoints("é漢😀") == 3);
}

TEST_CASE("case folding is Python's over all of Unicode") {
  std::ifstream golden(HEARTH_SOURCE_DIR "/tests/golden/unicode/fold.txt");
  std::string comment;
  REQUIRE(std::getline(golden, comment));
  std::map<char32_t, uint64_t> expected;
  uint64_t block = 0, hash = 0;
  while (golden >> std::hex >> block >> hash) expected[static_cast<char32_t>(block)] = hash;
  REQUIRE(expected.size() > 20);

  for (char32_t first = 0; first < 0x110000; first += 256) {
    if (first >= 0xD800 && first <= 0xDFFF) continue;
    std::string folded, unfolded;
    for (char32_t c = first; c < first + 256; ++c) {
      std::string text;
      AppendUtf8(text, c);
      folded += (c == first ? "" : "\n") + CaseFold(text);
      unfolded += (c == first ? "" : "\n") + text;
    }
    const auto known = expected.find(first);
    if (known == expected.end()) {
      if (folded != unfolded) FAIL("block " << int(first) << " folds, and should not");
      continue;
    }
    uint64_t value = 0xCBF29CE484222325;
    for (const char byte : folded) {
      value = (value ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
    }
    if (value != known->second) FAIL("block " << int(first) << " folds otherwise than in Python");
  }
  CHECK(CaseFold("Straße ΣΊΣΥΦΟΣ İ") == CaseFold("STRASSE σίσυφος i̇"));
}

TEST_CASE("white space is Unicode's") {
  CHECK(Strip("\t\u3000 a b\u00A0\n") == "a b");
  CHECK(Strip(" \u2028 ").empty());
  CHECK(Strip("").empty());
  const auto words = SplitWords("  caf\u00E9\u2003\u00FCber  x");
  REQUIRE(words.size() == 3);
  CHECK(words[0] == "caf\u00E9");
  CHECK(words[1] == "\u00FCber");
  CHECK(words[2] == "x");
  CHECK(SplitWords(" \n").empty());
  CHECK_FALSE(IsSpace(0x200B));
}

}  // namespace
}  // namespace hearth
