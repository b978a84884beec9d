#include "model/tokenizer/utf8.h"

#include <catch2/catch.hpp>

namespace hearth::model {
namespace {

using Kind = Utf8Step::Kind;

TEST_CASE("every code point is written and read back; surrogates are not characters") {
  for (uint32_t c = 0; c < 0x110000; ++c) {
    std::string text;
    AppendUtf8(c, text);
    const Utf8Step step = DecodeUtf8(text);
    const bool surrogate = c >= 0xd800 && c <= 0xdfff;
    const bool right = surrogate ? step.kind == Kind::kInvalid
                                 : step.kind == Kind::kCharacter && step.code_point == c &&
                                       step.length == text.size();
    if (!right) {
      CAPTURE(c);
      CHECK(right);
    }
  }
}

TEST_CASE("a prefix of a character is unfinished") {
  for (const std::string_view whole : {"é", "€", "🎉"}) {
    for (size_t size = 1; size < whole.size(); ++size) {
      const Utf8Step step = DecodeUtf8(whole.substr(0, size));
      CHECK(step.kind == Kind::kUnfinished);
      CHECK(step.length == size);
    }
  }
}

TEST_CASE("invalid runs are as long as the prefix that could still have been right") {
  const auto invalid = [](std::string_view text, uint32_t length) {
    const Utf8Step step = DecodeUtf8(text);
    return step.kind == Kind::kInvalid && step.length == length && step.code_point == 0xfffd;
  };
  CHECK(invalid("\x80", 1));
  CHECK(invalid("\xc1\x81", 1));
  CHECK(invalid("\xf5\x80\x80\x80", 1));
  CHECK(invalid("\xe0\x9f\x80", 1));
  CHECK(invalid("\xe2\x82z", 2));
  CHECK(invalid("\xf0\x9f\x98z", 3));
  CHECK(invalid("\xf4\x90\x80\x80", 1));
}

}  // namespace
}  // namespace hearth::model
