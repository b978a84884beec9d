#include "runtime/serving/chat_format.h"

#include <catch2/catch.hpp>

#include "grammars/builtin.h"
#include "tests/runtime/serving/control_tokens.h"

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

TEST_CASE("control tokens that have no place in free text are told from those that have one") {
  struct Case {
    const char* family;
    std::vector<std::string> stray, known;
  };
  const Case cases[] = {
      {"hermes", {"<|im_start|>", "[PAD]", "<tool_call>"}, {"<|im_end|>", "<think>", "</think>"}},
      {"generic", {"<|im_start|>"}, {"<|im_end|>", "</s>"}},
      {"kimi_k2",
       {"<|tool_calls_section_begin|>", "<|tool_call_end|>", "<|im_start|>"},
       {"<|im_end|>", "<think>", "</think>"}},
      {"harmony",
       {"<|constrain|>", "<|startoftext|>"},
       {"<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|return|>", "<|call|>"}},
      {"command_r7b",
       {"<|START_ACTION|>", "<|START_OF_TURN_TOKEN|>"},
       {"<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>"}},
  };
  for (const Case& c : cases) {
    std::vector<std::string> control = c.stray;
    control.insert(control.end(), c.known.begin(), c.known.end());
    const auto tokenizer = TokenizerWith(control);
    std::vector<std::string> stray;
    for (const TokenId id : FindFormat(c.family)->Bind(*tokenizer).StrayTokens(*tokenizer)) {
      stray.emplace_back(tokenizer->bytes(id));
    }
    CAPTURE(c.family);
    CHECK(stray == c.stray);
  }
}

TEST_CASE("which names a writing can hold") {
  struct Case {
    const char* family;
    const char* name;
    bool may;
  };
  const std::string long_name(257, 'n');
  const Case cases[] = {
      {"hermes", "my tool", true},     {"hermes", "say \"hi\"", true},
      {"hermes", "", false},           {"hermes", long_name.c_str(), false},
      {"kimi_k2", "a_b-c.d/é1", true}, {"kimi_k2", "my tool", false},
      {"kimi_k2", "a:0", false},       {"llama4", "f(x)", false},
      {"llama4", "f", true},           {"deepseek3_2", "my tool", true},
      {"functiongemma", "a{b", false}, {"mistral11", long_name.c_str(), false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.family, c.name);
    CHECK(FindFormat(c.family)->regions[0].CanHoldName(c.name) == c.may);
  }
}

}  // namespace
}  // namespace hearth::serving
