#include "runtime/serving/arguments/argument_types.h"

#include <catch2/catch.hpp>

namespace hearth::serving {
namespace {

TEST_CASE("the types of an argument are found through references and unions") {
  const Json parameters = *ParseJson(R"({"type": "object", "properties": {
      "text": {"type": "string"}, "count": {"type": "integer"}, "any": {},
      "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
      "both": {"allOf": [{"type": ["string", "integer"]}, {"type": ["integer", "null"]}]},
      "level": {"enum": ["low", 3]}, "fixed": {"const": true},
      "there": {"$ref": "#/$defs/a~1b"}, "nowhere": {"$ref": "#/$defs/none"},
      "loop": {"$ref": "#/properties/loop"}},
      "additionalProperties": {"type": "array"}, "$defs": {"a/b": {"type": "object"}}})");
  const ArgumentTypes types(&parameters);
  CHECK(types.Of("text") == kStringType);
  CHECK(types.Of("count") == kNumberType);
  CHECK(types.Of("any") == kAnyType);
  CHECK(types.Of("maybe") == (kStringType | kNullType));
  CHECK(types.Of("both") == kNumberType);
  CHECK(types.Of("level") == (kStringType | kNumberType));
  CHECK(types.Of("fixed") == kBooleanType);
  CHECK(types.Of("there") == kObjectType);
  CHECK(types.Of("nowhere") == kAnyType);
  CHECK(types.Of("loop") == kAnyType);
  CHECK(types.Of("unknown") == kArrayType);
  CHECK(ArgumentTypes(nullptr).Of("text") == kAnyType);
}

TEST_CASE("a value without quotes is what its types say") {
  struct Case {
    std::string text;
    unsigned types;
    std::string json;
  };
  constexpr unsigned kMaybeString = kStringType | kNullType;
  const Case cases[] = {
      {"10", kStringType, R"("10")"},
      {"10", kNumberType, "10"},
      {" 10\n", kNumberType, "10"},
      {"10", kStringType | kNumberType, R"("10")"},
      {"null", kMaybeString, "null"},
      {"null", kStringType, R"("null")"},
      {"None", kMaybeString, R"("None")"},
      {"None", kNullType | kNumberType, "null"},
      {"True", kBooleanType, "true"},
      {"true", kMaybeString, R"("true")"},
      {"[]", kStringType, R"("[]")"},
      {"[1]", kStringType | kArrayType, "[1]"},
      {R"({"a": 1})", kAnyType, R"({"a": 1})"},
      {"12345678901234567890123", kNumberType, "12345678901234567890123"},
      {"10", kAnyType, "10"},
      {"True", kAnyType, R"("True")"},
      {"plain \"text\"\n", kAnyType, R"("plain \"text\"\n")"},
      {"oops", kNumberType, R"("oops")"},  // what it is not, it stays: a string
  };
  for (const Case& c : cases) {
    CAPTURE(c.text, c.types);
    CHECK(ValueFromText(c.text, c.types) == c.json);
  }
}

TEST_CASE("the inside of a JSON string is escaped where it must be") {
  std::string out;
  AppendEscaped("a\"\\\n\t\r\x01/é🐢", out);
  CHECK(out == R"(a\"\\\n\t\r\u0001/é🐢)");
  CHECK(*ParseJson("\"" + out + "\"") == "a\"\\\n\t\r\x01/é🐢");
}

}  // namespace
}  // namespace hearth::serving
