#include "grammars/schema/decimal.h"

#include <catch2/catch.hpp>

using hearth::grammar::Decimal;

TEST_CASE("decimals are read as written") {
  const auto text = [](const char* number) {
    const auto parsed = Decimal::Parse(number);
    return parsed ? parsed->ToString() : std::string("none");
  };
  CHECK(text("0") == "0");
  CHECK(text("-0.00") == "0");
  CHECK(text("1e3") == "1000");
  CHECK(text("12.50e-3") == "0.0125");
  CHECK(text("-123456789012345678901234567890") == "-123456789012345678901234567890");
  for (const char* wrong : {"", "-", "1.", ".5", "1e", "1e+", "+1", "1x", "1e9999999", "1e2001"}) {
    INFO(wrong);
    CHECK(text(wrong) == "none");
  }
}

TEST_CASE("decimals compare and divide exactly") {
  const char* ascending[] = {"-1e20", "-10",  "-9.99", "-0.1", "0",    "0.0999",
                             "0.1",   "0.11", "9",     "10",   "10.5", "1e20"};
  for (size_t i = 0; i < std::size(ascending); ++i) {
    for (size_t k = 0; k < std::size(ascending); ++k) {
      INFO(ascending[i] << " and " << ascending[k]);
      CHECK((*Decimal::Parse(ascending[i]) < *Decimal::Parse(ascending[k])) == (i < k));
      CHECK((*Decimal::Parse(ascending[i]) == *Decimal::Parse(ascending[k])) == (i == k));
    }
  }
  const auto multiple = [](const char* number, const char* step) {
    return Decimal::Parse(number)->IsMultipleOf(*Decimal::Parse(step));
  };
  CHECK(multiple("0.3", "0.1") == true);  // which doubles deny
  CHECK(multiple("123456789012345678901234567890", "10") == true);
  CHECK(multiple("0.35", "0.1") == false);
  CHECK(multiple("-14", "7") == true);
  CHECK(multiple("1", "123456789012345678") == std::nullopt);
}
