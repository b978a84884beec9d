#include "runtime/base/text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "runtime/base/unicode.h"

namespace hearth {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kNarrowest = 16;

bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

// Marks that make a terminal show text in another order than it is stored.
bool IsBidiControl(char32_t c) {
  return c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) width += static_cast<size_t>(ColumnWidth(TakeCodePoint(text)));
  return width;
}

std::string OneLine(std::string_view text) {
  std::string line;
  bool in_break = false;
  while (!text.empty()) {
    const char32_t c = TakeCodePoint(text);
    const bool line_break = (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0x2028 || c == 0x2029;
    if (line_break) {
      if (!in_break) line += ' ';
    } else {
      AppendUtf8(line, IsControl(c) || IsBidiControl(c) ? 0xFFFD : c);
    }
    in_break = line_break;
  }
  return line;
}

std::string Clip(std::string_view text, size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  std::string clipped;
  size_t used = 0;
  while (!text.empty()) {
    const char32_t c = TakeCodePoint(text);
    used += static_cast<size_t>(ColumnWidth(c));
    if (used + 1 > width) break;
    AppendUtf8(clipped, c);
  }
  return width == 0 ? clipped : clipped + "…";
}

std::string TextTable::Render(size_t max_width, size_t elastic) const {
  std::vector<std::vector<std::string>> cells = rows_;
  std::vector<size_t> widths(rows_.front().size(), 0);
  for (auto& row : cells) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = OneLine(row[i]);
      widths[i] = std::max(widths[i], DisplayWidth(row[i]));
    }
  }
  const size_t total =
      std::accumulate(widths.begin(), widths.end(), size_t{0}) + kGap * (widths.size() - 1);
  if (max_width != 0 && total > max_width) {
    const size_t excess = total - max_width;
    const size_t floor = std::min(widths[elastic], kNarrowest);
    widths[elastic] = std::max(floor, widths[elastic] - std::min(widths[elastic], excess));
  }
  std::string out;
  for (const auto& row : cells) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = Clip(row[i], widths[i]);
      line += cell + std::string(widths[i] - DisplayWidth(cell) + kGap, ' ');
    }
    line.resize(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

size_t TerminalWidth() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) != 1 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

}  // namespace hearth
