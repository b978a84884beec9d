#include "grammars/schema/decimal.h"

#include <algorithm>

namespace hearth::grammar {

namespace {

constexpr int64_t kMaxDigits = 2000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::strong_ordering CompareMagnitude(const Decimal& a, const Decimal& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() <=> b.whole.size();
  const int whole = a.whole.compare(b.whole);
  if (whole != 0) return whole <=> 0;
  return a.fraction.compare(b.fraction) <=> 0;  // no trailing zeros: a prefix is smaller
}

}  // namespace

std::optional<Decimal> Decimal::Parse(std::string_view text) {
  Decimal out;
  size_t at = 0;
  const auto digits = [&] {
    const size_t from = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    return std::string(text.substr(from, at - from));
  };
  if (at < text.size() && text[at] == '-') {
    out.negative = true;
    ++at;
  }
  std::string all = digits();
  if (all.empty()) return std::nullopt;
  auto point = static_cast<int64_t>(all.size());
  if (at < text.size() && text[at] == '.') {
    ++at;
    const std::string fraction = digits();
    if (fraction.empty()) return std::nullopt;
    all += fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    const bool minus = at < text.size() && text[at] == '-';
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const std::string exponent = digits();
    if (exponent.empty() || exponent.size() > 6) return std::nullopt;
    const int64_t value = std::stoll(exponent);
    point += minus ? -value : value;
  }
  if (at != text.size()) return std::nullopt;
  if (point > kMaxDigits || -point > kMaxDigits || all.size() > kMaxDigits) return std::nullopt;
  if (point < 0) {
    all.insert(0, static_cast<size_t>(-point), '0');
    point = 0;
  }
  if (point > static_cast<int64_t>(all.size()))
    all.append(static_cast<size_t>(point) - all.size(), '0');
  out.whole = all.substr(0, static_cast<size_t>(point));
  out.fraction = all.substr(static_cast<size_t>(point));
  out.whole.erase(0, std::min(out.whole.find_first_not_of('0'), out.whole.size()));
  if (out.whole.empty()) out.whole = "0";
  const size_t last = out.fraction.find_last_not_of('0');
  out.fraction.resize(last == std::string::npos ? 0 : last + 1);
  if (out.IsZero()) out.negative = false;
  return out;
}

Decimal Decimal::Negated() const {
  Decimal out = *this;
  out.negative = !negative && !IsZero();
  return out;
}

std::string Decimal::ToString() const {
  return (negative ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction);
}

std::strong_ordering Decimal::operator<=>(const Decimal& other) const {
  if (negative != other.negative)
    return negative ? std::strong_ordering::less : std::strong_ordering::greater;
  return negative ? CompareMagnitude(other, *this) : CompareMagnitude(*this, other);
}

std::optional<bool> Decimal::IsMultipleOf(const Decimal& step) const {
  std::string divisor_digits = step.whole + step.fraction;
  divisor_digits.erase(0,
                       std::min(divisor_digits.find_first_not_of('0'), divisor_digits.size() - 1));
  if (divisor_digits.size() > 17) return std::nullopt;
  const auto divisor = static_cast<uint64_t>(std::stoull(divisor_digits));
  if (divisor == 0) return std::nullopt;
  if (fraction.size() > step.fraction.size()) return false;
  std::string digits = whole + fraction;
  digits.append(step.fraction.size() - fraction.size(), '0');
  unsigned __int128 rest = 0;
  for (const char c : digits) rest = (rest * 10 + static_cast<unsigned>(c - '0')) % divisor;
  return rest == 0;
}

}  // namespace hearth::grammar
