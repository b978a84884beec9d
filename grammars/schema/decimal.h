// Decimal: a number of a schema, exactly as written: no digit is lost, however many there are.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::grammar {

struct Decimal {
  bool negative = false;
  std::string whole = "0";  // no leading zeros
  std::string fraction;     // no trailing zeros

  // JSON number syntax. Nothing where the text is no number or would need over 2,000 digits.
  static std::optional<Decimal> Parse(std::string_view text);

  bool IsZero() const { return whole == "0" && fraction.empty(); }
  bool IsInteger() const { return fraction.empty(); }
  Decimal Negated() const;
  std::string ToString() const;
  std::strong_ordering operator<=>(const Decimal& other) const;
  bool operator==(const Decimal& other) const { return (*this <=> other) == 0; }
  // True if this is a whole multiple of `step` (not zero), by long division in 64 bits; nothing
  // where the step has too many digits for that.
  std::optional<bool> IsMultipleOf(const Decimal& step) const;
};

}  // namespace hearth::grammar
