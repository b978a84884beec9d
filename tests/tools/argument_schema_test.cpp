#include "tools/argument_schema.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace hearth::tools {
namespace {

ArgumentSchema CompileOrFail(const std::string& schema) {
  const auto compiled = ArgumentSchema::Compile(*ParseJson(schema));
  if (!compiled.ok()) FAIL(compiled.error().message);
  return *compiled;
}

// The faults of a value, empty where it fits.
std::string Faults(const std::string& schema, const std::string& value) {
  const Status status = CompileOrFail(schema).Validate(*ParseJson(value));
  return status.ok() ? "" : status.error().message;
}

constexpr const char* kTask = R"({"type":"object","additionalProperties":false,
  "properties":{"title":{"type":"string","minLength":1},
    "priority":{"type":"string","enum":["low","high"],"description":"how pressing"},
    "due_date":{"type":["string","null"],"format":"date"},
    "tags":{"type":"array","items":{"type":"string"},"maxItems":2},
    "task_id":{"type":"integer","minimum":1}},
  "required":["title"]})";

TEST_CASE("a model is told which argument is wrong and what is allowed") {
  struct Case {
    std::string value, faults;
  };
  const std::vector<Case> cases = {
      {R"({"title":"a"})", ""},
      {R"({"title":"a","priority":"high","due_date":null,"tags":["x","y"],"task_id":1})", ""},
      {R"({"title":"a","due_date":"2024-02-29"})", ""},
      {"{}", "argument 'title' (a string) is missing"},
      {"[]", "the arguments must be an object, not []"},
      {"null", "the arguments must be an object, not null"},
      {R"({"title":""})", "argument 'title' must not be empty, not \"\""},
      {R"({"title":"a","priority":"urgnet"})",
       "argument 'priority' must be one of low, high, not \"urgnet\""},
      {R"({"title":"a","priority":1})", "argument 'priority' must be a string, not 1"},
      {R"({"title":"a","due_date":"tomorrow"})",
       "argument 'due_date' must be an existing date written YYYY-MM-DD, such as 2026-11-21, not "
       "\"tomorrow\""},
      {R"({"title":"a","due_date":5})", "argument 'due_date' must be a string or null, not 5"},
      {R"({"title":"a","tags":["x",1]})", "argument 'tags[1]' must be a string, not 1"},
      {R"({"title":"a","tags":["x","y","z"]})",
       "argument 'tags' must have at most 2 entries, not [\"x\",\"y\",\"z\"]"},
      {R"({"title":"a","task_id":"3"})", "argument 'task_id' must be an integer, not \"3\""},
      {R"({"title":"a","task_id":true})", "argument 'task_id' must be an integer, not true"},
      {R"({"title":"a","task_id":1.0})", "argument 'task_id' must be an integer, not 1.0"},
      {R"({"title":"a","task_id":0})", "argument 'task_id' must be at least 1, not 0"},
      {R"({"title":"a","task_id":-9223372036854775808})",
       "argument 'task_id' must be at least 1, not -9223372036854775808"},
      {R"({"title":"a","task_id":18446744073709551615})", ""},
      {R"({"name":"a"})",
       "argument 'title' (a string) is missing; argument 'name' does not exist; there are title, "
       "priority, due_date, tags, task_id"},
  };
  for (const auto& c : cases) {
    INFO(c.value);
    CHECK(Faults(kTask, c.value) == c.faults);
  }
}

TEST_CASE("each keyword holds at its edges") {
  struct Case {
    std::string schema, fits, does_not;
  };
  const std::vector<Case> cases = {
      {R"({"type":"number"})", "1", "\"1\""},
      {R"({"type":"number"})", "1.5", "true"},
      {R"({"type":["integer","boolean"]})", "false", "1.5"},
      {R"({"type":"null"})", "null", "0"},
      {R"({"const":3})", "3", "4"},
      {R"({"const":"a"})", "\"a\"", "\"A\""},
      {R"({"enum":[1,true,null,"x"]})", "null", "false"},
      {R"({"enum":[0]})", "0", "false"},
      {R"({"minimum":0.5})", "0.5", "0.4999"},
      {R"({"maximum":9007199254740993})", "9007199254740993", "9007199254740994"},
      {R"({"exclusiveMinimum":0})", "0.1", "0"},
      {R"({"exclusiveMaximum":0})", "-1", "0"},
      {R"({"minLength":2})", "\"漢字\"", "\"漢\""},
      {R"({"maxLength":2})", "\"漢字\"", "\"漢字漢\""},
      {R"({"minItems":1})", "[0]", "[]"},
      {R"({"maxItems":1})", "[0]", "[0,0]"},
      {R"({"minItems":1})", "\"not an array\"", "[]"},
      {R"({"format":"date"})", "\"2026-11-21\"", "\"2026-11-31\""},
      {R"({"items":{"type":"integer"}})", "[1,2]", "[1,null]"},
      {R"({"required":["a"]})", "{\"a\":null}", "{\"b\":1}"},
      {R"({"properties":{"a":{"type":"null"}}})", "{\"b\":1}", "{\"a\":1}"},
      {R"({"properties":{"a":{}},"additionalProperties":false})", "{\"a\":1}", "{\"b\":1}"},
      {R"({"additionalProperties":{"type":"integer"}})", "{\"b\":1}", "{\"b\":\"1\"}"},
      {R"({"properties":{"a":true},"additionalProperties":true})", "{\"b\":[]}", ""},
      {R"({"items":{"properties":{"x":{"items":{"maximum":1}}}}})", R"([{"x":[1]}])",
       R"([{"x":[1,2]}])"},
  };
  for (const auto& c : cases) {
    INFO(c.schema);
    CHECK(Faults(c.schema, c.fits).empty());
    if (!c.does_not.empty()) CHECK_FALSE(Faults(c.schema, c.does_not).empty());
  }
  CHECK(Faults(R"({"items":{"properties":{"x":{"items":{"maximum":1}}}}})", R"([{"x":[1,2]}])") ==
        "argument '[0].x[1]' must be at most 1, not 2");
}

TEST_CASE("a schema that cannot be enforced completely is refused loudly") {
  struct Case {
    std::string schema, reason;
  };
  const std::vector<Case> cases = {
      {R"({"properties":{"a":{"pattern":"x"}}})",
       "schema at #/properties/a/pattern: this keyword is not checked"},
      {R"({"items":{"anyOf":[]}})", "#/items/anyOf"},
      {R"({"format":"email"})", "only the format \"date\""},
      {R"({"$ref":"#"})", "#/$ref"},
      {R"({"type":"int"})", "'int' is no JSON type"},
      {R"({"type":[]})", "no type"},
      {R"({"type":3})", "list of strings"},
      {R"({"enum":[]})", "with a value in it"},
      {R"({"enum":"a"})", "with a value in it"},
      {R"({"enum":[[1]]})", "only scalar"},
      {R"({"enum":[1],"const":1})", "exclude each other"},
      {R"({"minLength":-1})", "whole number"},
      {R"({"minLength":1.5})", "whole number"},
      {R"({"minimum":"1"})", "must be a number"},
      {R"({"required":"a"})", "list of strings"},
      {R"({"required":[1]})", "list of strings"},
      {R"({"required":["b"],"properties":{"a":{}},"additionalProperties":false})",
       "'b' is required but not among the properties"},
      {R"({"properties":[]})", "must be an object"},
      {"false", "must be an object"},
      {"3", "must be an object"},
  };
  for (const auto& c : cases) {
    INFO(c.schema);
    const auto compiled = ArgumentSchema::Compile(*ParseJson(c.schema));
    REQUIRE_FALSE(compiled.ok());
    INFO(compiled.error().message);
    CHECK(compiled.error().message.find(c.reason) != std::string::npos);
  }
  std::string deep = "{}";
  for (int i = 0; i < 40; ++i) deep = "{\"items\":" + deep + "}";
  const auto compiled = ArgumentSchema::Compile(*ParseJson(deep));
  REQUIRE_FALSE(compiled.ok());
  CHECK(compiled.error().code == ErrorCode::kResourceExhausted);
}

TEST_CASE("messages stay short, whatever was sent") {
  const std::string value = R"({"title":")" + std::string(100'000, 'x') + "\"}";
  CHECK(Faults(R"({"properties":{"title":{"maxLength":3}}})", value).size() < 200);
  std::string many = "{\"title\":\"a\"";
  for (int i = 0; i < 1000; ++i) many += ",\"\\u001b[2J" + std::to_string(i) + "\":1";
  const std::string faults = Faults(kTask, many + "}");
  CHECK(faults.size() < 1000);
  CHECK(faults.find('\x1b') == std::string::npos);
}

}  // namespace
}  // namespace hearth::tools
