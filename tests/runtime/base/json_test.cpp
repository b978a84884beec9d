#include "runtime/base/json.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace hearth {
namespace {

std::string Repeat(const std::string& text, size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST_CASE("documents come back as they were written") {
  for (const std::string text : {
           "null",
           "true",
           "-12",
           "18446744073709551615",
           "0.5",
           R"("caf\u00e9")",
           "[]",
           "{}",
           R"({"z":1,"a":{"y":[1,2,{"x":null}]},"m":""})",
           R"([[],{},[{}]])",
       }) {
    INFO(text);
    const auto json = ParseJson(text);
    REQUIRE(json.ok());
    CHECK(DumpJson(*ParseJson(DumpJson(*json))) == DumpJson(*json));
  }
  CHECK(DumpJson(*ParseJson(R"({"z":1,"a":[true,{"y":2}]})")) == R"({"z":1,"a":[true,{"y":2}]})");
  CHECK(ParseJson(R"("\ud83d\ude00")")->get<std::string>() == "\xF0\x9F\x98\x80");
  CHECK(ParseJson("\xEF\xBB\xBF{}")->is_object());
}

TEST_CASE("what is refused names the place and the reason") {
  struct Case {
    std::string text, where, reason;
  };
  const std::vector<Case> cases = {
      {"", "line 1, column 1", "unexpected end of input"},
      {"{\n  \"a\": 1,\n  \"b\" 2}", "line 3, column 7", "expected ':'"},
      {"[1,]", "line 1, column 4", "unexpected ']'"},
      {"{} x", "line 1, column 4", "expected end of input"},
      {"{\"a\":1,\n \"a\":2}", "line 2, column 4", "\"a\" occurs twice"},
      {"[\"\xFF\"]", "line 1, column 3", "ill-formed UTF-8"},
      {"\"\xC0\xAF\"", "line 1, column 2", "ill-formed UTF-8"},
      {"\"\xED\xA0\x80\"", "line 1, column 3", "ill-formed UTF-8"},
      {R"("\ud800")", "line 1", "surrogate"},
      {R"("\u12")", "line 1", "4 hex digits"},
      {"\"a\tb\"", "line 1, column 3", "control character"},
      {"\"abc", "line 1", "missing closing quote"},
      {"1e999", "line 1", "overflow"},
      {"NaN", "line 1", "invalid literal"},
      {"// c\n1", "line 1", "invalid literal"},
      {"01", "line 1, column 2", "expected end of input"},
  };
  for (const auto& c : cases) {
    INFO(c.text);
    const auto json = ParseJson(c.text);
    REQUIRE_FALSE(json.ok());
    INFO(json.error().message);
    CHECK(json.error().code == ErrorCode::kInvalidArgument);
    CHECK(json.error().message.find(c.where) != std::string::npos);
    CHECK(json.error().message.find(c.reason) != std::string::npos);
  }
}

TEST_CASE("hostile sizes end in an error") {
  const auto refused = [](const std::string& text, const JsonLimits& limits) {
    const auto json = ParseJson(text, limits);
    return !json.ok() && json.error().code == ErrorCode::kResourceExhausted;
  };
  CHECK(refused(Repeat("[", 200'000), {}));
  CHECK(refused(Repeat("{\"a\":", 200'000), {}));
  CHECK(ParseJson(Repeat("[", 64) + Repeat("]", 64)).ok());
  CHECK(refused(Repeat("[", 65) + Repeat("]", 65), {}));

  std::string many = "{";
  for (int i = 0; i < 1'000'000; ++i) many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  many += "}";
  CHECK(refused(many, {}));
  JsonLimits generous;
  generous.max_object_members = 2'000'000;
  generous.max_values = 2'000'000;
  const auto all = ParseJson(many, generous);
  REQUIRE(all.ok());
  CHECK(all->size() == 1'000'000);

  CHECK(refused("[" + Repeat("0,", 1'000'000) + "0]", {}));
  JsonLimits small;
  small.max_bytes = 4;
  CHECK(refused("[1,2]", small));
  CHECK(ParseJson("[12]", small).ok());
}

TEST_CASE("dumping never throws on bytes that are not UTF-8") {
  CHECK(DumpJson(Json("a\xFFz")) == "\"a\xEF\xBF\xBDz\"");
}

TEST_CASE("members are found without exceptions") {
  const Json object = *ParseJson(R"({"a":1,"b":[]})");
  REQUIRE(FindMember(object, "b") != nullptr);
  CHECK(FindMember(object, "b")->is_array());
  CHECK(FindMember(object, "c") == nullptr);
  CHECK(FindMember(Json(3), "c") == nullptr);
}

TEST_CASE("types have their JSON names") {
  const Json all = *ParseJson(R"([null,true,1,-1,1.5,"",[],{}])");
  std::string names;
  for (const auto& value : all) names += std::string(JsonTypeName(value)) + " ";
  CHECK(names == "null boolean integer integer number string array object ");
}

}  // namespace
}  // namespace hearth
