#include "runtime/serving/chat_format.h"

#include <catch2/catch.hpp>

#include "grammars/builtin.h"

namespace hearth::serving {
namespace {

TEST_CASE("every description that the program carries is sound") {
  REQUIRE(grammar::BuiltinDescriptions().size() >= 25);
  for (const auto& one : grammar::BuiltinDescriptions()) {
    const auto format = ChatFormat::Parse(one.name, one.json);
    CAPTURE(one.name);
    if (!format.ok()) FAIL(format.error().message);
    CHECK_FALSE(format->families.empty());
    CHECK(FindFormat(one.name) != nullptr);
  }
  CHECK(FindFormat("nobody") == nullptr);
  CHECK(GenericFormat().decides_first);
  CHECK_FALSE(PlainTextFormat().has_calls());
}

TEST_CASE("a description with a mistake is refused with the field named") {
  struct Case {
    std::string json, word;
  };
  const std::string region = R"("regions": [{"call": ["<c>", "$name", "$arguments"]}])";
  const Case cases[] = {
      {"[]", "object"},
      {"{}", "no regions"},
      {"{" + region + R"(, "reasonning": {}})", "reasonning"},
      {"{" + region + R"(, "reasoning": {"begin": "<t>"}})", "begin and end"},
      {"{" + region + R"(, "hints": "x"})", "hints"},
      {"{" + region + R"(, "decides_first": 1})", "decides_first"},
      {"{" + region + R"(, "arguments": {"style": "yaml"}})", "style"},
      {"{" + region + R"(, "arguments": {"style": "tagged"}})", "parameter"},
      {"{" + region + R"(, "arguments": {"style": "braces"}})", "quote"},
      {R"({"regions": [{"call": ["<c>", "$name"]}]})", "$arguments"},
      {R"({"regions": [{"call": ["$name", "$arguments"]}]})", "nothing begins"},
      {R"({"regions": [{"call": ["<c>", {"what": 1}, "$name", "$arguments"]}]})", "slot"},
  };
  for (const Case& c : cases) {
    const auto format = ChatFormat::Parse("test", c.json);
    CAPTURE(c.json);
    REQUIRE_FALSE(format.ok());
    CHECK_THAT(format.error().message, Catch::Contains(c.word));
  }
}

}  // namespace
}  // namespace hearth::serving
