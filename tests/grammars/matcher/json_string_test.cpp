// The automaton of JSON strings beside nlohmann's reading of the same bytes.
#include "grammars/matcher/json_string.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "grammars/regex/ecma_regex.h"

using namespace hearth::grammar;

TEST_CASE("strings are accepted as JSON says, and their characters are counted") {
  const CharDfa dfa(std::make_unique<ExpressionStore>(), {});
  std::mt19937 random(1);
  const char* pieces[] = {
      "a",       "\xc3\xa9", "\xe6\x97\xa5", "\\n",        "\\u00e9", "\\ud83d\\udc22",
      "\\ud83d", "\\",       "\"",           "\x01",       "\x7f",    "\\x",
      "\xc3",    "\\u12",    "\xed\xa0\x80", "\\udc22\\u", "/",       "\\/"};
  for (int i = 0; i < 20'000; ++i) {
    std::string body;
    const size_t count = random() % 6;
    for (size_t k = 0; k < count; ++k) body += pieces[random() % std::size(pieces)];
    const std::string text = '"' + body + '"';
    const auto parsed = nlohmann::json::parse(text, nullptr, false);
    std::u32string characters;
    const bool valid =
        parsed.is_string() && DecodeUtf8(parsed.get_ref<const std::string&>(), characters);
    const StringSpec exact{.start = CharDfa::kUniversal,
                           .min = static_cast<uint32_t>(characters.size()),
                           .max = static_cast<uint32_t>(characters.size())};
    JsonString::State state = JsonString::Start(exact);
    uint64_t length = 0;
    bool lives = true;
    for (const char c : text) {
      const auto byte = static_cast<uint8_t>(c);
      lives = lives && state.mode != JsonString::kClosed && JsonString::Live(state).Has(byte) &&
              JsonString::Step(dfa, exact, state, length, byte);
    }
    INFO(text);
    REQUIRE((lives && state.mode == JsonString::kClosed) == valid);
    if (valid) REQUIRE(length == characters.size());
  }
}
