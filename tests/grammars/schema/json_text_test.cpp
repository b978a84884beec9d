// The parser of schema texts beside nlohmann's, and what it does differently.
#include "grammars/schema/json_text.h"

#include <catch2/catch.hpp>

using namespace hearth;
using namespace hearth::grammar;
using Json = nlohmann::ordered_json;

TEST_CASE("texts mean what nlohmann's own parser makes of them") {
  for (const char* text :
       {"{}", "[]", "null", "true", "-12", "18446744073709551615", "0.1", "1e30",
        R"("é\ud83d\udc22\n")", R"({"a":[1,{"b":[]},"c"],"b":{"a":{}},"":null})",
        R"([[],[[]],{"x":[{"y":{}}]}])",
        R"({"z":1,"y":2,"x":3,"w":4,"v":5,"u":6,"t":7,"s":8,"r":9,"q":10,"p":11,"o":12,"n":13})"}) {
    INFO(text);
    const auto parsed = ParseJsonText(text, 10);
    REQUIRE(parsed.ok());
    CHECK(*parsed == Json::parse(text));
    CHECK(parsed->dump() == Json::parse(text).dump());
  }
}

TEST_CASE("of members with one name the last counts, in small objects and in large ones") {
  CHECK(ParseJsonText(R"({"a":1,"b":2,"a":3})", 4)->dump() == R"({"b":2,"a":3})");
  std::string large = "{";
  for (int i = 0; i < 40; ++i)
    large += "\"k" + std::to_string(i % 20) + "\":" + std::to_string(i) + ",";
  large.back() = '}';
  const auto parsed = ParseJsonText(large, 4);
  REQUIRE(parsed.ok());
  CHECK(parsed->size() == 20);
  CHECK((*parsed)["k7"] == 27);
}

TEST_CASE("numbers beyond 64 bits and doubles keep their digits") {
  const auto parsed = ParseJsonText(
      R"([123456789012345678901234567890,1e30,0.1234567890123456789012345,7,"7"])", 4);
  REQUIRE(parsed.ok());
  CHECK(NumberOf((*parsed)[0])->ToString() == "123456789012345678901234567890");
  CHECK((*parsed)[1].is_number_float());
  CHECK(NumberOf((*parsed)[1])->ToString() == "1" + std::string(30, '0'));
  CHECK(NumberOf((*parsed)[2])->ToString() == "0.1234567890123456789012345");
  CHECK(IsNumber((*parsed)[3]));
  CHECK_FALSE(IsNumber((*parsed)[4]));
}

TEST_CASE("what is not JSON, too deep or too big is an error that says where") {
  const auto message = [](const std::string& text) {
    const auto parsed = ParseJsonText(text, 50);
    REQUIRE_FALSE(parsed.ok());
    return parsed.error().message;
  };
  CHECK(message("{\"a\":}").find("not valid JSON at byte 6") != std::string::npos);
  CHECK(message("").find("not valid JSON") != std::string::npos);
  CHECK(message("[1] 2").find("not valid JSON") != std::string::npos);
  CHECK(message("\"\xff\"").find("not valid JSON") != std::string::npos);
  CHECK(message("[1e400]").find("beyond the range of a double") != std::string::npos);
  CHECK(message(std::string(100'000, '[')).find("deeper than 50") != std::string::npos);
  CHECK(ParseJsonText(std::string(50, '[') + std::string(50, ']'), 50).ok());
  // A value nested this deep inside an object that grows must not be copied level by level.
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  CHECK(ParseJsonText("{\"a\":" + deep + ",\"b\":1,\"c\":2}", SIZE_MAX).ok());
}
