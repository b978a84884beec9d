// Verdicts on texts, byte by byte; each group guards one keyword or trap. Then the full sets, where
// they are at hand. Hostile schemas: schema/schema_compiler_test.cpp.
#include "grammars/json_schema.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "grammars/matcher.h"
#include "tests/support/files.h"

using namespace hearth;
using namespace hearth::grammar;
using Json = nlohmann::ordered_json;

namespace {

bool Accepts(const std::shared_ptr<const CompiledGrammar>& grammar, std::string_view text) {
  Matcher matcher(grammar, nullptr);
  return matcher.AcceptBytes(text) && matcher.CanEnd();
}

struct Case {
  const char* schema;
  std::vector<const char*> valid, invalid;
};

const std::vector<Case> kCases = {
    {R"({"type":"integer","minimum":-3,"maximum":12})",
     {"-3", "0", "-0", "12", "7.0", "1e0"},
     {"-4", "13", "012", "1.5", "1e1", "--1", ""}},
    {R"({"type":"integer"})",
     {"123456789012345678901234567890", "1e3", "1.0", "-5"},
     {"1.5", "1e-3", "01", "+1", "1."}},
    {R"({"type":"number","exclusiveMinimum":0.5,"maximum":2.25})",
     {"0.51", "2.25", "2.2500", "1", "0.500001"},
     {"0.5", "2.26", "0.49", "-1", "3"}},
    {R"({"multipleOf":0.25,"type":"number"})", {"0.25", "-1.50", "3", "0"}, {"0.3", "0.125"}},
    {R"({"type":"integer","multipleOf":7,"minimum":10,"maximum":40})",
     {"14", "35"},
     {"7", "12", "42"}},
    {R"({"type":"number","not":{"type":"integer"}})", {"1.5", "-0.25"}, {"1", "1.0", "2.000"}},
    {R"({"type":"string","minLength":2,"maxLength":3})",
     {R"("aé")", R"("\u00e9b\n")", R"("\ud83d\udc22x")", R"("日本語")"},
     {R"("a")", R"("abcd")", R"("\ud83dxx")", R"("\udc22a")", "\"a\nb\""}},
    {R"({"type":"string","pattern":"b+c"})",
     {R"("abbcx")", R"("bc")", R"("\u0062c")"},
     {R"("ab")", R"("")"}},
    {R"({"type":"string","pattern":"^(?!x)[a-z]+$","maxLength":3})",
     {R"("abc")", R"("ax")"},
     {R"("xa")", R"("abcd")", R"("")"}},
    {R"({"type":"string","pattern":"^(ab)+$","minLength":3,"maxLength":5})",
     {R"("abab")"},
     {R"("ab")", R"("ababab")", R"("aba")"}},
    {R"({"type":"string","pattern":"^\\p{Lu}\\d*$"})", {R"("É1")", R"("A")"}, {R"("é")", R"("1")"}},
    {R"({"enum":["a","ab",1,null,{"k":[true]}]})",
     {R"("a")", R"("ab")", "1", "1.0", "null", R"({ "k": [true] })"},
     {R"("b")", "2", "{}", R"({"k":[]})"}},
    {R"({"properties":{"a":{"type":"integer"},"ab":{"type":"string"}},"required":["ab"],"additionalProperties":false,"type":"object"})",
     {R"({"ab":"x"})", R"({"a":1,"ab":""})", "{\n  \"a\": 1,\n  \"ab\": \"\"\n}"},
     {R"({"a":1})", R"({"ab":1})", R"({"ab":"x",})", R"({"ab":"x","c":1})",
      R"({"ab":"x","ab":"y"})"}},
    {R"({"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"null"}})",
     {R"({"a":1,"b":null})", R"({"b":null,"a":1})"},
     {R"({"a":null})", R"({"\u0061":null})", R"({"b":1})"}},
    {R"({"type":"object","patternProperties":{"^x":{"type":"integer"},"y$":{"minimum":5}},"additionalProperties":false})",
     {R"({"xa":1})", R"({"xy":5})", R"({"by":"s"})"},
     {R"({"xy":4})", R"({"xa":"s"})", R"({"b":1})"}},
    {R"({"type":"object","propertyNames":{"maxLength":2},"minProperties":1,"maxProperties":2})",
     {R"({"ab":1})", R"({"a":1,"b":2})"},
     {"{}", R"({"abc":1})", R"({"a":1,"b":1,"c":1})"}},
    {R"({"type":"object","properties":{"a":{},"b":{}},"dependentRequired":{"a":["b"]},"additionalProperties":false})",
     {"{}", R"({"b":1})", R"({"a":1,"b":2})"},
     {R"({"a":1})"}},
    {R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"},"minItems":1,"maxItems":3})",
     {"[1]", R"([1,"a"])", R"([ 1, "a", null ])"},
     {"[]", "[null]", R"([1,"a",2])", R"([1,"a",null,null])", "[1,]"}},
    {R"({"type":"array","contains":{"const":7},"minContains":2,"maxContains":3,"items":{"type":"integer"}})",
     {"[7,7]", "[1,7,2,7,7]"},
     {"[7]", "[7,7,7,7]", "[]"}},
    {R"({"type":"array","items":{"enum":[1,2,3]},"uniqueItems":true})",
     {"[]", "[3,1]", "[1,2,3]"},
     {"[1,1]", "[1,1.0]"}},
    {R"({"allOf":[{"properties":{"a":{"minimum":3}}},{"properties":{"a":{"maximum":4}},"required":["a"]}],"type":"object"})",
     {R"({"a":3})", R"({"a":"x"})"},
     {R"({"a":5})", "{}"}},
    {R"({"oneOf":[{"type":"integer"},{"minimum":2}]})", {"1", "2.5", R"("x")"}, {"3", "1.5"}},
    {R"({"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}]})",
     {R"({"a":1})", R"({"b":1,"c":2})"},
     {"{}", R"({"a":1,"b":2})"}},
    {R"({"type":"object","properties":{"t":{"enum":["i","s"]},"v":{}},"required":["t","v"],"if":{"properties":{"t":{"const":"i"}}},"then":{"properties":{"v":{"type":"integer"}}},"else":{"properties":{"v":{"type":"string"}}}})",
     {R"({"t":"i","v":1})", R"({"t":"s","v":""})"},
     {R"({"t":"i","v":""})", R"({"t":"s","v":1})"}},
    {R"({"$defs":{"n":{"properties":{"k":{"$ref":"#/$defs/n"},"v":{"type":"integer"}},"required":["v"],"additionalProperties":false,"type":"object"}},"$ref":"#/$defs/n","maxProperties":2})",
     {R"({"v":1})", R"({"k":{"k":{"v":1},"v":2},"v":3})"},
     {R"({"k":{},"v":1})"}},
    {R"({"type":"string","format":"date"})",
     {R"("2024-02-29")"},
     {R"("2023-02-29")", R"("2024-13-01")", R"("2024-1-1")"}},
    {R"({"type":"string","format":"time"})",
     {R"("23:59:60Z")", R"("00:29:60.5+00:30")", R"("16:59:60-07:00")"},
     {R"("22:59:60Z")", R"("00:29:60+00:31")", R"("24:00:00Z")"}},
    {R"({"type":"string","format":"ipv6"})",
     {R"("::1")", R"("1::2:192.168.0.1")"},
     {R"("1::2::3")", R"("12345::")"}},
    {R"({"const":{"a":1,"b":[2]}})",
     {R"({"a":1,"b":[2]})", R"({"b": [2], "a": 1})"},
     {R"({"a":1})", R"({"a":1,"b":[2],"b":[2]})", R"({"a":1,"b":[3]})"}},
    {R"({"const":123456789012345678901234567890})",
     {"123456789012345678901234567890"},
     {"123456789012345680000000000000", "123456789012345678901234567891"}},
    {R"({"type":"integer","minimum":123456789012345678901234567890})",
     {"123456789012345678901234567890"},
     {"123456789012345678901234567889", "5"}},
    {R"({"type":"array","items":{"type":"string","maxLength":1e30},"minItems":1.0})",
     {R"(["x"])"},
     {"[]", "[1]"}},
    {R"({"oneOf":[{"type":"object","properties":{"t":{"const":"a"},"v":{"type":"integer"}},"required":["t"]},{"type":"object","properties":{"t":{"type":"string","pattern":"^b$"},"v":{"type":"string"}},"required":["t"]}]})",
     {R"({"t":"a","v":1})", R"({"t":"b","v":""})"},
     {R"({"t":"a","v":""})", R"({"t":"b","v":1})", R"({"v":1})"}},
    {"true", {"1", "[{}]", R"({"a":{"b":[]}})", "null"}, {"", "[", "tru", "1 "}},
};

const char* kRefused[] = {
    R"({"type":"integer","minimum":10,"maximum":9})",
    R"({"enum":[]})",
    "false",
    R"({"$ref":"#/nowhere"})",
    R"({"$ref":"http://example.com/x.json"})",
    R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})",
    R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})",
    R"({"pattern":"(?<=a)b"})",
    R"({"pattern":"(a)\\1"})",
    R"({"pattern":"["})",
    R"({"type":"array","items":{"type":"string"},"uniqueItems":true})",
    R"({"oneOf":[{"type":"object","patternProperties":{"a":{}}},{"type":"object","patternProperties":{"b":{}}}]})",
    R"({"type":"nothing"})",
    R"({"required":"a"})",
    R"({"minLength":-1})",
    R"({"allOf":[{"$dynamicRef":"#x"}]})",
    R"(12)",
};

struct Tally {
  int schemas = 0, compiled = 0, valid = 0, accepted = 0, false_accepts = 0;
};

Tally Run(const std::filesystem::path& file, bool (*wanted)(const Json&)) {
  Tally tally;
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    const Json record = Json::parse(line);
    if (!wanted(record)) continue;
    ++tally.schemas;
    const auto grammar = CompileJsonSchemaText(record["schema"].dump());
    if (!grammar) continue;
    ++tally.compiled;
    for (const Json& instance : record["instances"]) {
      const bool accepted = Accepts(*grammar, instance["text"].get<std::string>());
      if (!instance["valid"].get<bool>()) {
        tally.false_accepts += accepted;
        if (accepted) UNSCOPED_INFO(record["id"] << " accepts " << instance["text"]);
      } else {
        ++tally.valid;
        tally.accepted += accepted;
      }
    }
  }
  return tally;
}

}  // namespace

TEST_CASE("texts are accepted and rejected as the schema says") {
  for (const Case& c : kCases) {
    const auto grammar = CompileJsonSchemaText(c.schema);
    INFO(c.schema << (grammar ? "" : " refused: " + grammar.error().message));
    REQUIRE(grammar.ok());
    for (const char* text : c.valid) {
      INFO("valid: " << text);
      CHECK(Accepts(*grammar, text));
    }
    for (const char* text : c.invalid) {
      INFO("invalid: " << text);
      CHECK_FALSE(Accepts(*grammar, text));
    }
  }
}

TEST_CASE("what cannot be obeyed is refused with a reason") {
  for (const char* schema : kRefused) {
    const auto grammar = CompileJsonSchema(Json::parse(schema));
    INFO(schema);
    REQUIRE_FALSE(grammar.ok());
    CHECK(grammar.error().message.size() > 10);
  }
  const auto refused =
      CompileJsonSchema(Json::parse(R"({"properties":{"a/b":{"pattern":"\\1"}}})"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("#/properties/a~1b/pattern") != std::string::npos);
}

TEST_CASE("annotations and unknown formats are named in the notes") {
  const auto grammar =
      CompileJsonSchema(Json::parse(R"({"format":"moon-phase","x-order":3,"title":"t"})"));
  REQUIRE(grammar.ok());
  const auto& notes = (*grammar)->notes();
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].find("moon-phase") != std::string::npos);
  CHECK(notes[1].find("x-order") != std::string::npos);
}

TEST_CASE("any order keeps required and uniqueness") {
  JsonSchemaOptions options;
  options.any_order = true;
  const auto grammar = CompileJsonSchema(
      Json::parse(
          R"({"type":"object","properties":{"a":{},"b":{},"c":{}},"required":["a","b"],"additionalProperties":false})"),
      options);
  REQUIRE(grammar.ok());
  CHECK(Accepts(*grammar, R"({"b":1,"c":2,"a":3})"));
  CHECK_FALSE(Accepts(*grammar, R"({"b":1,"c":2})"));
  CHECK_FALSE(Accepts(*grammar, R"({"b":1,"a":2,"b":3})"));
}

TEST_CASE("the public sets, where they are at hand") {
  const auto folder = test::Shared("grammar");
  if (folder.empty()) {
    WARN("skipped: no shared/grammar beside the repository");
    return;
  }
  Tally sample;
  for (const auto& file : std::filesystem::directory_iterator(folder / "schemas")) {
    const Tally t = Run(file.path(), [](const Json&) { return true; });
    sample.schemas += t.schemas;
    sample.compiled += t.compiled;
    sample.valid += t.valid;
    sample.accepted += t.accepted;
    sample.false_accepts += t.false_accepts;
  }
  CHECK(sample.false_accepts == 0);
  CHECK(sample.compiled * 100 >= sample.schemas * 95);
  CHECK(sample.accepted * 100 >= sample.valid * 98);
  const Tally hard = Run(folder / "hard.jsonl", [](const Json&) { return true; });
  CHECK(hard.false_accepts == 0);
  CHECK(hard.accepted == hard.valid);
  const Tally suite = Run(folder / "conformance-2020-12.jsonl",
                          [](const Json& r) { return r["relevant"] != "out-of-scope"; });
  CHECK(suite.false_accepts == 0);
  std::cout << "sample: " << sample.compiled << "/" << sample.schemas << " compiled, "
            << sample.accepted << "/" << sample.valid
            << " valid accepted; suite: " << suite.compiled << "/" << suite.schemas
            << " compiled\n";
}
