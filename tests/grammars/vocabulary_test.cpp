#include "grammars/vocabulary.h"

#include <catch2/catch.hpp>

using namespace hearth::grammar;

namespace {
std::string Word(uint32_t v) {
  return {static_cast<char>(v), static_cast<char>(v >> 8), static_cast<char>(v >> 16),
          static_cast<char>(v >> 24)};
}
std::string Token(char flags, const std::string& bytes) {
  return std::string(1, flags) + static_cast<char>(bytes.size()) + '\0' + bytes;
}
std::string File(uint32_t n, uint32_t end, const std::string& tokens) {
  return "GVOC0001" + Word(n) + Word(end) + Word(0) + tokens;
}
}  // namespace

TEST_CASE("a gvoc file is read, its special and unused ids kept from the text") {
  const auto v = Vocabulary::ParseGvoc(
      File(4, 1, Token(0, "a") + Token(1, "<end>") + Token(2, "") + Token(0, "bc")));
  REQUIRE(v.ok());
  REQUIRE((*v)->size() == 4);
  REQUIRE((*v)->IsText(0));
  REQUIRE_FALSE((*v)->IsText(1));
  REQUIRE_FALSE((*v)->IsText(2));
  REQUIRE((*v)->Bytes(3) == "bc");
  REQUIRE((*v)->IsEnd(1));
}

TEST_CASE("damaged gvoc files are refused") {
  const std::string good = File(2, 1, Token(0, "a") + Token(1, "e"));
  REQUIRE(Vocabulary::ParseGvoc(good).ok());
  for (size_t n = 0; n < good.size(); ++n)
    REQUIRE_FALSE(Vocabulary::ParseGvoc(good.substr(0, n)).ok());
  REQUIRE_FALSE(Vocabulary::ParseGvoc(good + "x").ok());
  REQUIRE_FALSE(Vocabulary::ParseGvoc(File(2, 2, Token(0, "a") + Token(1, "e"))).ok());
  REQUIRE_FALSE(Vocabulary::ParseGvoc(File(0xffffffff, 0, Token(0, "a"))).ok());
  REQUIRE_FALSE(Vocabulary::ParseGvoc(File(0, 0, "")).ok());
  REQUIRE_FALSE(Vocabulary::ReadGvoc("/no/such/file").ok());
}

TEST_CASE("end tokens must be ids of the vocabulary") {
  REQUIRE_FALSE(Vocabulary::Create({{"a", false}}, {1}).ok());
  REQUIRE_FALSE(Vocabulary::Create({{"a", false}}, {-1}).ok());
  REQUIRE(Vocabulary::Create({{"a", false}}, {}).ok());
}
