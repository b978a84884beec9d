#include "runtime/base/unicode.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace hearth {
namespace {

struct Range {
  char32_t first, last;
};
// Every stride-th code point from first to last folds to itself + delta.
struct SimpleFold {
  char32_t first, last;
  int32_t stride, delta;
};
// One code point that folds to several (zero where there are only two).
struct FullFold {
  char32_t from;
  char32_t to[3];
};

#include "runtime/base/unicode_tables.inc"

constexpr char32_t kReplacement = 0xFFFD;

template <size_t N>
bool InRanges(const Range (&ranges)[N], char32_t c) {
  const auto* next =
      std::upper_bound(std::begin(ranges), std::end(ranges), c,
                       [](char32_t value, const Range& r) { return value < r.first; });
  return next != std::begin(ranges) && c <= std::prev(next)->last;
}

void AppendFolded(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return;
  }
  const auto* full =
      std::lower_bound(std::begin(kFullFolds), std::end(kFullFolds), c,
                       [](const FullFold& f, char32_t value) { return f.from < value; });
  if (full != std::end(kFullFolds) && full->from == c) {
    for (const char32_t to : full->to) {
      if (to != 0) AppendUtf8(out, to);
    }
    return;
  }
  // Runs do not overlap, so only the last that begins at or before c can hold it.
  const auto* run = std::upper_bound(std::begin(kSimpleFolds), std::end(kSimpleFolds), c,
                                     [](char32_t v, const SimpleFold& f) { return v < f.first; });
  if (run != std::begin(kSimpleFolds)) {
    --run;
    if (c <= run->last && (c - run->first) % static_cast<char32_t>(run->stride) == 0) {
      c = static_cast<char32_t>(static_cast<int64_t>(c) + run->delta);
    }
  }
  AppendUtf8(out, c);
}

}  // namespace

char32_t TakeCodePoint(std::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  size_t length = 1;
  char32_t value = first;
  char32_t smallest = 0;
  if (first >= 0xF0 && first <= 0xF4) {
    length = 4, value = first & 0x07u, smallest = 0x10000;
  } else if (first >= 0xE0 && first < 0xF0) {
    length = 3, value = first & 0x0Fu, smallest = 0x800;
  } else if (first >= 0xC2 && first < 0xE0) {
    length = 2, value = first & 0x1Fu, smallest = 0x80;
  } else if (first >= 0x80) {
    value = kReplacement;
  }
  bool well_formed = length <= text.size();
  for (size_t i = 1; well_formed && i < length; ++i) {
    well_formed = (byte(i) & 0xC0) == 0x80;
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  well_formed = well_formed && value >= smallest && value <= 0x10FFFF &&
                !(value >= 0xD800 && value <= 0xDFFF);
  text.remove_prefix(well_formed ? length : 1);
  return well_formed ? value : kReplacement;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::string_view before = text;
    // A replacement character that stands in the text takes three bytes, a malformed byte one.
    if (TakeCodePoint(text) == kReplacement && before.size() - text.size() == 1) return false;
  }
  return true;
}

void AppendUtf8(std::string& out, char32_t c) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    tail(12), tail(6), tail(0);
  }
}

size_t CountCodePoints(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) TakeCodePoint(text);
  return count;
}

std::string CaseFold(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  while (!text.empty()) AppendFolded(folded, TakeCodePoint(text));
  return folded;
}

bool IsSpace(char32_t code_point) { return InRanges(kSpaces, code_point); }

std::string_view Strip(std::string_view text) {
  size_t first = text.size();
  size_t end = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t at = text.size() - rest.size();
    if (IsSpace(TakeCodePoint(rest))) continue;
    first = std::min(first, at);
    end = text.size() - rest.size();
  }
  return first < end ? text.substr(first, end - first) : std::string_view();
}

std::vector<std::string_view> SplitWords(std::string_view text) {
  std::vector<std::string_view> words;
  size_t start = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t at = text.size() - rest.size();
    if (!IsSpace(TakeCodePoint(rest))) continue;
    if (at > start) words.push_back(text.substr(start, at - start));
    start = text.size() - rest.size();
  }
  if (start < text.size()) words.push_back(text.substr(start));
  return words;
}

int ColumnWidth(char32_t code_point) {
  if (InRanges(kZeroWidth, code_point)) return 0;
  return InRanges(kDoubleWidth, code_point) ? 2 : 1;
}

}  // namespace hearth
