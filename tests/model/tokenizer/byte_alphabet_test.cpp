#include "model/tokenizer/byte_alphabet.h"

#include <catch2/catch.hpp>
#include <set>

namespace hearth::model {
namespace {

TEST_CASE("every byte has a character of its own, and back") {
  std::set<std::string> characters;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string character = ByteToAlphabet(static_cast<uint8_t>(byte));
    CHECK(characters.insert(character).second);
    CHECK(AlphabetToBytes(character) == std::string(1, static_cast<char>(byte)));
  }
  CHECK(ByteToAlphabet(' ') == "Ġ");
  CHECK(ByteToAlphabet('\n') == "Ċ");
  CHECK(ByteToAlphabet('a') == "a");
  CHECK(ByteToAlphabet(0xad) == "\u0143");
}

TEST_CASE("other characters stand for no byte") {
  CHECK(AlphabetToBytes("Ġa") == " a");
  CHECK_FALSE(AlphabetToBytes("a b").has_value());
  CHECK_FALSE(AlphabetToBytes("你").has_value());
  CHECK_FALSE(AlphabetToBytes("\xff").has_value());
  CHECK(AlphabetToBytes("") == "");
}

}  // namespace
}  // namespace hearth::model
