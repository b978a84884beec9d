#include "mcp/jsonrpc/json_text.h"

#include <catch2/catch.hpp>
#include <string>

namespace hearth::mcp {
namespace {

std::string Nested(int depth, const std::string& open, const std::string& close) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += open;
  for (int i = 0; i < depth; ++i) text += close;
  return text;
}

}  // namespace

TEST_CASE("CheckJson takes what RFC 8259 takes") {
  for (const char* text :
       {"null", " true ", "\t\r\n false", "0", "-0", "1.5e-7", "-12E+3", "\"\"", "\"a\\u00e9\\n\"",
        "[]", "[ ]", "{}", "{ }", R"({"a":[1,{"b":null}],"c":"d"})",
        "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"", R"("\ud83d")", "[[],{}]"}) {
    INFO(text);
    CHECK(CheckJson(text).ok());
  }
}

TEST_CASE("CheckJson refuses what RFC 8259 refuses, and says where") {
  for (const char* text : {"",
                           "  ",
                           "nul",
                           "tru",
                           "01",
                           "1.",
                           ".5",
                           "-",
                           "1e",
                           "+1",
                           "'a'",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12g4\"",
                           "\"\\u12\"",
                           "[1,]",
                           "[1 2]",
                           "[",
                           "{",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{1:2}",
                           "{\"a\":1]",
                           "1 2",
                           "\"\x01\"",
                           "\"\xFF\"",
                           "\"\xC0\x80\"",
                           "\"\xED\xA0\x80\"",
                           "\"\xF4\x90\x80\x80\"",
                           "\"\xE2\x82\"",
                           "]",
                           "}",
                           "NaN",
                           "\xEF\xBB\xBF{}"}) {
    INFO(text);
    const Status status = CheckJson(text);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == ErrorCode::kInvalidArgument);
    CHECK(status.error().message.find("byte") != std::string::npos);
  }
}

TEST_CASE("CheckJson bounds the depth and nothing else") {
  CHECK(CheckJson(Nested(kMaxJsonDepth, "[", "]")).ok());
  const Status deep = CheckJson(Nested(kMaxJsonDepth + 1, "[", "]"));
  REQUIRE_FALSE(deep.ok());
  CHECK(deep.error().code == ErrorCode::kResourceExhausted);
  CHECK_FALSE(CheckJson(Nested(100'000, "{\"a\":", "}")).ok());
  CHECK(CheckJson("\"" + std::string(1 << 20, 'x') + "\"").ok());
}

TEST_CASE("an object is walked member by member") {
  const std::string text = R"( {"a" : 1 , "b":{"c":[1,"}"]},"d\n":"x\"y" , "e":[ ] } )";
  REQUIRE(CheckJson(text).ok());
  JsonObjectReader reader(TrimJson(text));
  std::string seen;
  while (reader.Next()) seen += Concat(reader.name(), "=", reader.value(), ";");
  CHECK(seen == "a=1;b={\"c\":[1,\"}\"]};d\\n=\"x\\\"y\";e=[ ];");
  CHECK(FindJsonMember(TrimJson(text), "a") == "1");
  CHECK(FindJsonMember(TrimJson(text), "z").empty());
  CHECK(FindJsonMember("[1]", "a").empty());
}

TEST_CASE("an array is walked element by element") {
  JsonArrayReader reader(R"([1, "a,]" ,{"b":[2]},[],null])");
  std::string seen;
  while (reader.Next()) seen += Concat(reader.value(), ";");
  CHECK(seen == "1;\"a,]\";{\"b\":[2]};[];null;");
}

TEST_CASE("strings are decoded, lone surrogates become U+FFFD") {
  CHECK(DecodeJsonString(R"("a\/b\\\"\b\f\n\r\t")") == "a/b\\\"\b\f\n\r\t");
  CHECK(DecodeJsonString(R"("\u00e9\ud83d\ude00")") == "\xC3\xA9\xF0\x9F\x98\x80");
  CHECK(DecodeJsonString(R"("\ud83d!")") == "\xEF\xBF\xBD!");
  CHECK(DecodeJsonString(R"("\ude00\ud83d\u0041")") ==
        "\xEF\xBF\xBD\xEF\xBF\xBD"
        "A");
}

TEST_CASE("documents are as ParseJson reads them") {
  for (const char* text :
       {"1", "-7", "18446744073709551615", "18446744073709551616", "0.5", "1e300",
        "[1,[2,{\"a\":\"b\"}]]", R"({"a":1,"b":[true,false,null],"c":"\u00e9"})"}) {
    INFO(text);
    const auto mine = ToJson(text);
    REQUIRE(mine.ok());
    CHECK(*mine == *ParseJson(text));
    const auto again = ToJson(WriteJson(*mine));
    REQUIRE(again.ok());
    CHECK(*again == *mine);
  }
  CHECK_FALSE(ToJson(R"({"a":1,"a":2})").ok());
  std::string many = "{";
  for (int i = 0; i < 100; ++i) many += Concat("\"k", i, "\":", i, ",");
  CHECK(ToJson(many + "\"z\":0}").ok());
  CHECK_FALSE(ToJson(many + "\"k50\":0}").ok());
  CHECK_FALSE(ToJson("1e999").ok());
  CHECK(ToJson("1e-999").value() == 0.0);
  CHECK(ToJson("[1,2,3]", 3).error().code == ErrorCode::kResourceExhausted);
}

TEST_CASE("what is written has no line break and is UTF-8") {
  std::string out;
  AppendJsonString(out, "a\"b\\c\n\r\t\x01\x7F\xC3\xA9");
  CHECK(out == "\"a\\\"b\\\\c\\n\\r\\t\\u0001\x7F\xC3\xA9\"");
  out.clear();
  AppendJsonString(out, "\xFFx\xC3");
  CHECK(out == "\"\xEF\xBF\xBDx\xEF\xBF\xBD\"");
  CHECK(WriteJson(Json{{"a", {1, -2, 2.5, true, nullptr}}, {"b", Json::object()}}) ==
        R"({"a":[1,-2,2.5,true,null],"b":{}})");
  CHECK(WriteJson(Json(std::numeric_limits<double>::infinity())) == "null");
}

}  // namespace hearth::mcp
