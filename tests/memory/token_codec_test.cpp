#include "memory/token_codec.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

namespace hearth::memory {
namespace {

TEST_CASE("token ids survive the way through bytes") {
  const std::vector<TokenId> ids = {
      0,         1,         127,   128,     16383,       16384,
      2'097'151, 2'097'152, 49151, 151'935, 268'435'456, std::numeric_limits<TokenId>::max()};
  const std::string bytes = EncodeTokens(ids);
  std::vector<TokenId> back;
  REQUIRE(DecodeTokens(bytes, back).ok());
  CHECK(back == ids);
  CHECK(EncodeTokens(std::vector<TokenId>{300}) == "\xAC\x02");
  CHECK(EncodeTokens({}).empty());
}

TEST_CASE("bytes that the encoder does not write are refused") {
  for (const std::string& bytes :
       {std::string("\x80"), std::string("\x05\xFF"), std::string("\x80\x00", 2),
        std::string("\xFF\xFF\xFF\xFF\x0F"), std::string("\x80\x80\x80\x80\x80\x01"),
        std::string(1000, '\xFF')}) {
    std::vector<TokenId> ids;
    CHECK_FALSE(DecodeTokens(bytes, ids).ok());
  }
}

}  // namespace
}  // namespace hearth::memory
