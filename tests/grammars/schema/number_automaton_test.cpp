// Automata of number ranges beside exact comparison, over every spelling of a grid of values.
#include "grammars/schema/number_automaton.h"

#include <catch2/catch.hpp>
#include <random>

using namespace hearth::grammar;

namespace {

bool Accepts(const ByteDfa& dfa, std::string_view text) {
  if (dfa.next.empty()) return false;
  uint32_t state = 1;
  for (const char c : text) state = dfa.Next(state, static_cast<uint8_t>(c));
  return dfa.accepting[state] != 0;
}

bool InRange(const NumberRange& r, const Decimal& value) {
  if (r.integer && !value.IsInteger()) return false;
  if (r.fraction && value.IsInteger()) return false;
  if (r.low && (value < *r.low || (r.low_open && value == *r.low))) return false;
  if (r.high && (*r.high < value || (r.high_open && value == *r.high))) return false;
  if (r.step == 0) return true;
  return *value.IsMultipleOf(
      *Decimal::Parse(std::to_string(r.step) + "e-" + std::to_string(r.scale)));
}

}  // namespace

TEST_CASE("ranges accept exactly the numbers in them") {
  const char* bounds[] = {"", "-120", "-1.5", "0", "0.25", "7", "99.99", "100"};
  std::vector<std::string> numbers;
  for (int i = -130; i <= 130; ++i) {
    for (const char* tail : {"", ".0", ".5", ".25", ".990", ".000001"}) {
      numbers.push_back(std::to_string(i) + tail);
      if (i == 0) numbers.push_back(std::string("-0") + tail);
    }
  }
  for (const char* low : bounds) {
    for (const char* high : bounds) {
      for (const int form : {0, 1, 2, 3, 4, 5}) {
        NumberRange range;
        if (*low != 0) range.low = Decimal::Parse(low);
        if (*high != 0) range.high = Decimal::Parse(high);
        range.low_open = form == 1;
        range.high_open = form == 1 || form == 2;
        range.integer = form == 3 || form == 4;
        range.fraction = form == 5;
        if (form == 2) {
          range.step = 25;
          range.scale = 2;
        }
        if (form == 4) range.step = 7;
        const auto dfa = BuildNumberAutomaton(range);
        REQUIRE(dfa.ok());
        for (const std::string& number : numbers) {
          if (Accepts(*dfa, number) == InRange(range, *Decimal::Parse(number))) continue;
          INFO(number << " in " << low << " .. " << high << ", form " << form);
          FAIL("wrong verdict");
        }
      }
    }
  }
}

TEST_CASE("numbers without bounds take exponents, and thirty digits keep their meaning") {
  const auto any = BuildNumberAutomaton({});
  for (const char* text : {"0", "-0", "1e5", "1E+05", "0.5e-3", "123456789012345678901234567890"}) {
    INFO(text);
    CHECK(Accepts(*any, text));
  }
  for (const char* text : {"", "-", "01", "1.", ".5", "1e", "+1", "0x1"}) {
    INFO(text);
    CHECK_FALSE(Accepts(*any, text));
  }
  NumberRange big;
  big.integer = true;
  big.high = Decimal::Parse("123456789012345678901234567890");
  const auto dfa = BuildNumberAutomaton(big);
  CHECK(Accepts(*dfa, "123456789012345678901234567890"));
  CHECK_FALSE(Accepts(*dfa, "123456789012345678901234567891"));
}

TEST_CASE("a range that would need too many states is refused by name") {
  NumberRange range;
  range.step = 1'234'567'891;
  range.scale = 10;
  const auto dfa = BuildNumberAutomaton(range);
  REQUIRE_FALSE(dfa.ok());
  CHECK(dfa.error().message.find("multipleOf") != std::string::npos);
}
