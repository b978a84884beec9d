#include "runtime/serving/arguments/argument_grammar.h"

#include <catch2/catch.hpp>

#include "runtime/serving/call_writer.h"
#include "tests/runtime/serving/written_calls.h"

namespace hearth::serving {
namespace {

// A tool with one argument, "v", of this schema.
ToolSchemas ToolWith(const std::string& schema) {
  return *ParseJson(Concat(R"([{"type": "function", "function": {"name": "f", "parameters": {
      "type": "object", "required": ["v"], "additionalProperties": false,
      "properties": {"v": )",
                           schema, R"(},
      "$defs": {"code": {"type": "string", "pattern": "^[a-z]+$"},
                "tree": {"type": "object", "required": ["w"], "additionalProperties": false,
                         "properties": {"w": {"type": "string", "maxLength": 1},
                                        "next": {"$ref": "#/$defs/tree"}}}}}}}])"));
}

Json Tree(int depth, const char* leaf) {
  Json tree = {{"w", leaf}};
  for (; depth > 0; --depth) tree = {{"w", "x"}, {"next", tree}};
  return tree;
}

struct Case {
  std::string schema;
  std::vector<Json> held, refused;
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {R"({"type": "string"})", {"", "a", "\n x\n", "10", "<b>", "日本"}, {}},
      {R"({"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"})",
       {"AB-1", "XY-007"},
       {"ab-1", "AB-", "xAB-1", ""}},
      {R"({"type": "string", "pattern": "é.*[\"\\\\]$"})", {"é\"", "caféx\\"}, {"é", "\""}},
      {R"({"type": "string", "minLength": 2, "maxLength": 4})", {"ab", "日本語é"}, {"a", "abcde"}},
      {R"({"type": "string", "format": "date"})", {"2026-11-21"}, {"2026-13-01", "today"}},
      {R"({"type": "string", "format": "uuid", "maxLength": 36})",
       {"123e4567-e89b-12d3-a456-426614174000"},
       {"123e4567"}},
      {R"({"enum": ["low", "high"]})", {"low", "high"}, {"lo", "lower", "mid"}},
      {R"({"const": "x y"})", {"x y"}, {"x", ""}},
      {R"({"enum": ["low", "high"], "pattern": "^h"})", {"high"}, {"low"}},
      {R"({"anyOf": [{"type": "string", "maxLength": 4}, {"type": "null"}]})",
       {"abcd", nullptr},
       {"abcde", 12345}},
      {R"({"type": "string", "anyOf": [{"pattern": "^a"}, {"pattern": "z$"}]})",
       {"ab", "yz"},
       {"b", ""}},
      {R"({"allOf": [{"type": "string", "pattern": "^a"}, {"pattern": "z$"}]})",
       {"az", "a-z"},
       {"ab", "z"}},
      {R"({"$ref": "#/$defs/code"})", {"abc"}, {"", "aB"}},
      {R"({"$ref": "#/$defs/code", "maxLength": 2})", {"ab"}, {"abc"}},
      {R"({"type": "integer", "minimum": 3, "maximum": 10})", {3, 10}, {2, 11, "x"}},
      {R"({"$ref": "#/properties/v/$defs/n", "$defs": {"n": {"type": "integer", "maximum": 5}}})",
       {5},
       {6}},
      {R"({"type": "array", "items": {"type": "string", "maxLength": 2}, "maxItems": 2})",
       {Json::array(), {"ab", ""}},
       {Json::array({"abc"}), {"a", "b", "c"}}},
      {R"({"type": "object", "required": ["a"],
           "properties": {"a": {"type": "string", "pattern": "^x"}}})",
       {{{"a", "xy"}}},
       {{{"a", "y"}}, Json::object()}},
      {R"({"$ref": "#/$defs/tree"})",
       {Tree(0, "y"), Tree(20, "y")},
       {Tree(0, "yy"), Tree(20, "yy")}},
  };
  return cases;
}

TEST_CASE("arguments obey their schema in every family's writing") {
  for (const Case& c : Cases()) {
    ChatRequest request;
    request.tools = ToolWith(c.schema);
    request.tool_choice = ToolChoice::kRequired;
    for (const ChatFormat& format : BuiltinFormats()) {
      CAPTURE(format.name, c.schema);
      const auto grammar = CompileReply(format, request, false);
      if (!grammar.ok()) FAIL(grammar.error().message);
      for (const Json& value : c.held) {
        const std::string text = WriteCalls(format, {{"", "f", {{"v", value}}}});
        CAPTURE(text);
        CHECK(GrammarAllows(*grammar, text));
        const Message message = ReadReply(format, request.tools, text);
        REQUIRE(message.calls.size() == 1);
        CHECK(DumpJson(message.calls[0].arguments.at("v")) == DumpJson(value));
      }
      for (const Json& value : c.refused) {
        const std::string text = WriteCalls(format, {{"", "f", {{"v", value}}}});
        CAPTURE(text);
        CHECK_FALSE(GrammarAllows(*grammar, text));
      }
    }
  }
}

TEST_CASE("a string that a writing cannot hold is not written there") {
  ChatRequest request;
  request.tools = ToolWith(R"({"enum": ["a</parameter>b", "ok", 10]})");
  request.tool_choice = ToolChoice::kRequired;
  const ChatFormat& format = *FindFormat("qwen3_coder");
  const auto grammar = CompileReply(format, request, false);
  REQUIRE(grammar.ok());
  for (const auto& [value, may] :
       {std::pair{Json("a</parameter>b"), false}, {Json("ok"), true}, {Json(10), false}}) {
    CAPTURE(value);
    CHECK(GrammarAllows(*grammar, WriteCalls(format, {{"", "f", {{"v", value}}}})) == may);
  }
}

TEST_CASE("a parameter's name is written as it is, or left out, or refused where it must come") {
  size_t written = 0, refused = 0;
  for (const std::string name : {"a>b", "a<b", "a=b", "a:b", "a b", "a\"b", "a(b", "a,b", "a\nb",
                                 " a", "a ", "", "<escape>", "a{", "日本", "a-b.c/d", "$a"}) {
    for (const bool nested : {false, true}) {
      const Json inner = {{"type", "object"},
                          {"properties", {{name, {{"type", "integer"}}}}},
                          {"required", {name}},
                          {"additionalProperties", false}};
      ChatRequest request;
      request.tools = ToolWith(DumpJson(inner));
      Json& parameters = request.tools[0]["function"]["parameters"];
      if (!nested) parameters = inner;
      request.tool_choice = ToolChoice::kRequired;
      const Json inside = {{name, 7}};
      const Json arguments = nested ? Json{{"v", inside}} : inside;
      for (const ChatFormat& format : BuiltinFormats()) {
        CAPTURE(format.name, name, nested);
        const auto grammar = CompileReply(format, request, false);
        if (!grammar.ok()) {
          ++refused;
          CHECK(grammar.error().message.find(DumpJson(Json(name))) != std::string::npos);
          CHECK(format.arguments != ChatFormat::Arguments::kJson);
          ChatRequest optional = request;
          Json& described = optional.tools[0]["function"]["parameters"];
          (nested ? described["properties"]["v"] : described).erase("required");
          CHECK(CompileReply(format, optional, false).ok());
          continue;
        }
        ++written;
        const std::string text = WriteCalls(format, {{"", "f", arguments}});
        CAPTURE(text);
        CHECK(GrammarAllows(*grammar, text));
        const Message message = ReadReply(format, request.tools, text);
        REQUIRE(message.calls.size() == 1);
        CHECK(DumpJson(message.calls[0].arguments) == DumpJson(arguments));
      }
    }
  }
  CHECK(written > 0);
  CHECK(refused > 0);
}

TEST_CASE("a schema that refers to itself without end is refused, one that branches is not slow") {
  ChatRequest request;
  request.tools = ToolWith(R"({"$ref": "#/$defs/tree", "$defs": {"a": {"$ref": "#/$defs/a"}}})");
  Json& definitions = request.tools[0]["function"]["parameters"]["$defs"];
  definitions["tree"]["properties"] = Json::object();
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    definitions["tree"]["properties"][name] = {{"$ref", "#/$defs/tree"}};
  }
  definitions["tree"].erase("required");
  for (const char* family : {"llama4", "functiongemma"}) {
    CHECK(CompileReply(*FindFormat(family), request, false).ok());
  }
  definitions["tree"] = {{"type", "array"}, {"anyOf", Json::array({{{"$ref", "#/$defs/tree"}}})}};
  for (const char* family : {"llama4", "functiongemma"}) {
    CHECK_FALSE(CompileReply(*FindFormat(family), request, false).ok());
  }
}

}  // namespace
}  // namespace hearth::serving
