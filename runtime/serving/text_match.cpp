#include "runtime/serving/text_match.h"

#include <algorithm>
#include <cctype>

namespace hearth::serving {
namespace {

constexpr size_t kMostSpace = 64;

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

}  // namespace

TextMatch MatchText(std::string_view text, std::string_view buffer) {
  using Kind = TextMatch::Kind;
  size_t j = 0;
  const auto skip_space = [&] {
    const size_t from = j;
    while (j < buffer.size() && IsSpace(buffer[j])) ++j;
    return j - from <= kMostSpace;
  };
  for (size_t i = 0; i < text.size();) {
    if (IsSpace(text[i])) {
      const size_t end = std::min(text.find_first_not_of(" \n\t\r", i), text.size());
      if (end == text.size()) {
        const std::string_view run = text.substr(i);
        const std::string_view there = buffer.substr(j, run.size());
        if (there == run) return {Kind::kYes, j + run.size()};
        return {run.starts_with(there) ? Kind::kMore : Kind::kYes, j};
      }
      if (!skip_space()) return {};
      i = end;
      continue;
    }
    if (j == buffer.size()) return {Kind::kMore, 0};
    if (buffer[j] == text[i]) {
      ++i;
      ++j;
      continue;
    }
    const bool inside_word = i > 0 && IsWord(text[i - 1]) && IsWord(text[i]);
    if (inside_word || !IsSpace(buffer[j])) return {};
    if (!skip_space()) return {};
    if (j < buffer.size() && buffer[j] != text[i]) return {};
  }
  return {Kind::kYes, j};
}

size_t Overlap(std::string_view text, std::string_view marker) {
  for (size_t n = std::min(text.size(), marker.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == marker.substr(0, n)) return n;
  }
  return 0;
}

FoundMarker FindFirst(std::string_view text, const std::vector<std::string>& markers, bool end) {
  FoundMarker found;
  size_t overlap = 0;
  for (size_t m = 0; m < markers.size(); ++m) {
    overlap = std::max(overlap, Overlap(text, markers[m]));
    const size_t at = text.find(markers[m]);
    if (at == std::string_view::npos) continue;
    const bool better =
        at < found.at || (at == found.at && markers[m].size() > markers[found.which].size());
    if (better) found = {at, m};
  }
  const size_t may_begin = text.size() - (end ? 0 : overlap);
  if (may_begin <= found.at) found.at = std::string_view::npos;
  found.clear = std::min(found.at, may_begin);
  return found;
}

}  // namespace hearth::serving
