#include "runtime/serving/template/letters.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "runtime/base/unicode.h"

namespace hearth::serving {
namespace {

struct Range {
  char32_t first, last;
};
// Every stride-th code point from first to last maps to itself + delta.
struct Shift {
  char32_t first, last;
  char32_t stride;
  int32_t delta;
};
// One code point that maps to several (zeros where there are only two).
struct Expansion {
  char32_t from;
  char32_t to[3];
};

#include "runtime/serving/template/letter_tables.inc"

// The last entry that begins at or before c, or null. Entries are ascending and apart.
template <typename Entry, size_t N>
const Entry* Before(const Entry (&table)[N], char32_t c) {
  const Entry* const next =
      std::upper_bound(std::begin(table), std::end(table), c,
                       [](char32_t value, const Entry& e) { return value < e.first; });
  return next == std::begin(table) ? nullptr : std::prev(next);
}

template <size_t N>
bool IsIn(const Range (&table)[N], char32_t c) {
  const Range* const range = Before(table, c);
  return range != nullptr && c <= range->last;
}

template <size_t N, size_t M>
void AppendMapped(const Shift (&shifts)[N], const Expansion (&expansions)[M], char32_t c,
                  std::string& out) {
  const Expansion* const several =
      std::lower_bound(std::begin(expansions), std::end(expansions), c,
                       [](const Expansion& e, char32_t value) { return e.from < value; });
  if (several != std::end(expansions) && several->from == c) {
    for (const char32_t to : several->to) {
      if (to != 0) AppendUtf8(out, to);
    }
    return;
  }
  const Shift* const run = Before(shifts, c);
  if (run != nullptr && c <= run->last && (c - run->first) % run->stride == 0) {
    c = static_cast<char32_t>(static_cast<int64_t>(c) + run->delta);
  }
  AppendUtf8(out, c);
}

std::string Mapped(void (*append)(char32_t, std::string&), char32_t c) {
  std::string text;
  append(c, text);
  return text;
}

std::string Same(char32_t c) {
  std::string text;
  AppendUtf8(text, c);
  return text;
}

}  // namespace

void AppendUpper(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  } else {
    AppendMapped(kUpperShifts, kUpperExpansions, c, out);
  }
}

void AppendLower(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  } else {
    AppendMapped(kLowerShifts, kLowerExpansions, c, out);
  }
}

bool IsUpper(char32_t c) { return Mapped(AppendLower, c) != Same(c); }
bool IsLower(char32_t c) { return Mapped(AppendUpper, c) != Same(c); }
bool IsAlpha(char32_t c) {
  return c < 0x80 ? (c | 0x20) >= 'a' && (c | 0x20) <= 'z' : IsIn(kAlphaRanges, c);
}
bool IsDecimal(char32_t c) { return c < 0x80 ? c >= '0' && c <= '9' : IsIn(kDecimalRanges, c); }
bool IsDigit(char32_t c) { return c < 0x80 ? c >= '0' && c <= '9' : IsIn(kDigitRanges, c); }
bool IsNumeric(char32_t c) { return c < 0x80 ? c >= '0' && c <= '9' : IsIn(kNumericRanges, c); }

}  // namespace hearth::serving
