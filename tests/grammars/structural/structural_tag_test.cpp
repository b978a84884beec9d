#include "grammars/structural/structural_tag.h"

#include "tests/grammars/notation_cases.h"

namespace hearth::grammar {
namespace {

const auto kAdd = [](GrammarBuilder& builder, const std::string& text) {
  return AddStructuralTag(builder, nlohmann::ordered_json::parse(text),
                          {.whitespace = JsonSchemaOptions::Whitespace::kCompact});
};

// A tag around {"a": an integer}.
const std::string kTag =
    R"({"type": "tag", "begin": "<f>", "content": {"type": "json_schema", "json_schema":
       {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}},
        "additionalProperties": false}}, "end": "</f>"})";

TEST_CASE("structural tags hold what they say") {
  CheckNotation(
      {
          {R"({"type": "const_string", "value": "a<b"})", {"a<b"}, {"", "a"}},
          {R"({"type": "structural_tag", "format": {"type": "regex", "pattern": "[ab]{2}"}})",
           {"ab", "bb"},
           {"a", "abc"}},
          {R"({"type": "grammar", "grammar": "root ::= \"x\"+"})", {"x", "xx"}, {""}},
          {R"({"type": "or", "elements": [{"type": "const_string", "value": "a"}, )" + kTag + "]}",
           {"a", R"(<f>{"a":1}</f>)"},
           {R"(<f>{"a":"1"}</f>)", "<f></f>"}},
          {R"({"type": "sequence", "elements": [{"type": "any_text"}, )" + kTag + "]}",
           {R"(well <g> <f>{"a":1}</f>)", R"(<f>{"a":1}</f>)"},
           {"well", R"(<f>{"a":1}</f> more)"}},
          {R"({"type": "triggered_tags", "triggers": ["<f"], "tags": [)" + kTag + "]}",
           {"", "just text", R"(a <f>{"a":1}</f> b <f>{"a":2}</f>)"},
           {"a <f b", R"(<f>{"b":1}</f>)"}},
          {R"({"type": "triggered_tags", "triggers": ["<f"], "at_least_one": true,
              "stop_after_first": true, "tags": [)" +
               kTag + "]}",
           {R"(<f>{"a":1}</f>)"},
           {"", "text", R"(<f>{"a":1}</f><f>{"a":1}</f>)"}},
          {R"({"type": "tags_with_separator", "separator": ";", "tags": [)" + kTag + "]}",
           {"", R"(<f>{"a":1}</f>;<f>{"a":2}</f>)"},
           {R"(<f>{"a":1}</f><f>{"a":2}</f>)", ";"}},
          {R"({"type": "tag", "begin": "[", "content": {"type": "any_text"}, "end": ["]", "|"]})",
           {"[x]", "[x|", "[]"},
           {"[x", "[x]]"}},
          {R"({"type": "any_text", "excludes": ["<think>"]})", {"", "a <thin"}, {"a <think> b"}},
          {R"({"type": "plus", "content": {"type": "const_string", "value": "ab"}})",
           {"ab", "abab"},
           {"", "aba"}},
          {R"({"type": "repeat", "min": 1, "max": 2, "content": {"type": "const_string",
              "value": "x"}})",
           {"x", "xx"},
           {"", "xxx"}},
          {R"({"type": "structural_tag", "triggers": ["<f"], "structures": [{"begin": "<f>",
              "schema": {"type": "integer"}, "end": "</f>"}]})",
           {"one <f>1</f> two", ""},
           {"<f>x</f>"}},
      },
      kAdd);
}

TEST_CASE("what a structural tag lacks, or what is not supported, is named") {
  CheckRefused(
      {
          {"[]", "no object"},
          {"{}", "'type'"},
          {R"({"type": "magic"})", "magic"},
          {R"({"type": "const_string"})", "'value'"},
          {R"({"type": "const_string", "value": "a", "colour": 1})", "colour"},
          {R"({"type": "sequence", "elements": []})", "'elements'"},
          {R"({"type": "tag", "begin": "a", "end": "b"})", "content"},
          {R"({"type": "tag", "begin": "a", "content": {"type": "any_text"}})", "'end'"},
          {R"({"type": "triggered_tags", "triggers": ["<g"], "tags": [)" + kTag + "]}", "<f>"},
          {R"({"type": "triggered_tags", "triggers": [], "tags": [)" + kTag + "]}", "'triggers'"},
          {R"({"type": "json_schema", "json_schema": {}, "style": "qwen_xml"})", "style"},
          {R"({"type": "regex", "pattern": "("})", "pattern"},
          {R"({"type": "repeat", "min": 3, "max": 2, "content": {"type": "any_text"}})", "'max'"},
      },
      kAdd);
}

}  // namespace
}  // namespace hearth::grammar
