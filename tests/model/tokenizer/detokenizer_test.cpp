#include <catch2/catch.hpp>

#include "tests/support/vocabulary_file.h"

namespace hearth::model {
namespace {

// A token for each byte, so that a text is its bytes: id = byte. Then one control token.
std::shared_ptr<const Tokenizer> ByteTokenizer() {
  test::VocabularyFile file;
  const auto put = [&](uint32_t c) {
    std::string text;
    if (c < 0x80) {
      text = {static_cast<char>(c)};
    } else {
      text = {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    }
    file.tokens.push_back({text, TokenKind::kNormal});
  };
  uint32_t next = 0x100;
  for (uint32_t b = 0; b < 256; ++b) {
    const bool itself = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    put(itself ? b : next++);
  }
  file.tokens.push_back({"<|stop|>", TokenKind::kControl});
  const auto tokenizer = file.Create();
  REQUIRE(tokenizer.ok());
  return *tokenizer;
}

std::vector<std::string> Pushed(Detokenizer& detokenizer, std::string_view bytes) {
  std::vector<std::string> shown;
  for (const char byte : bytes) shown.push_back(detokenizer.Push(static_cast<uint8_t>(byte)));
  return shown;
}

using Shown = std::vector<std::string>;

TEST_CASE("half a character waits for its rest") {
  const auto tokenizer = ByteTokenizer();
  Detokenizer detokenizer(*tokenizer);
  CHECK(Pushed(detokenizer, "a€z") == Shown{"a", "", "", "€", "z"});
  CHECK(Pushed(detokenizer, "🎉") == Shown{"", "", "", "🎉"});
  CHECK(detokenizer.Flush().empty());
}

TEST_CASE("bytes that cannot become a character are replaced as soon as that is known") {
  const auto tokenizer = ByteTokenizer();
  Detokenizer detokenizer(*tokenizer);
  CHECK(Pushed(detokenizer, "\xff") == Shown{"\ufffd"});
  CHECK(Pushed(detokenizer, "\xe2\x82z") == Shown{"", "", "\ufffdz"});
  CHECK(Pushed(detokenizer, "\xe2\xe2\x82\xac") == Shown{"", "\ufffd", "", "€"});
  CHECK(Pushed(detokenizer, "\xed\xa0\x80") == Shown{"", "\ufffd\ufffd", "\ufffd"});
  CHECK(Pushed(detokenizer, "\xf0\x9f\x98") == Shown{"", "", ""});
  CHECK(detokenizer.Flush() == "\ufffd");
  CHECK(detokenizer.Flush().empty());
}

TEST_CASE("any bytes, in any pieces, are shown as Python's errors=replace shows them") {
  const auto tokenizer = ByteTokenizer();
  struct Case {
    const char* bytes;
    const char* shown;
  };
  // b"...".decode("utf-8", "replace")
  const Case cases[] = {{"\xc0\xaf", "\ufffd\ufffd"},
                        {"\xe0\x80\xaf", "\ufffd\ufffd\ufffd"},
                        {"\xf0\x80\x80\xaf", "\ufffd\ufffd\ufffd\ufffd"},
                        {"\xe0\xa0", "\ufffd"},
                        {"\xf1\x80\x80\x41", "\ufffd\x41"},
                        {"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},
                        {"\xf1\x80\xc2\x80\xc2", "\ufffd\xc2\x80\ufffd"},
                        {"a\x80\x80z", "a\ufffd\ufffdz"}};
  for (const Case& one : cases) {
    std::vector<TokenId> ids;
    for (const char byte : std::string_view(one.bytes)) ids.push_back(static_cast<uint8_t>(byte));
    CHECK(tokenizer->Decode(ids) == one.shown);
  }
}

TEST_CASE("control tokens are shown on request") {
  const auto tokenizer = ByteTokenizer();
  const std::vector<TokenId> ids = {'a', 256, 'b'};
  CHECK(tokenizer->Decode(ids) == "ab");
  CHECK(tokenizer->Decode(ids, true) == "a<|stop|>b");
}

}  // namespace
}  // namespace hearth::model
