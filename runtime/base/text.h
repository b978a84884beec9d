// Text for people at a terminal: widths in columns, one safe line, aligned tables.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

// Columns that a terminal gives the text.
size_t DisplayWidth(std::string_view text);

// The text as one line that cannot move a cursor, colour a screen or reverse its own reading order:
// runs of line breaks and tabs become a space; other control characters, bidirectional overrides
// and bytes that are not UTF-8 become U+FFFD.
std::string OneLine(std::string_view text);

// At most `width` columns of the text, with "…" where something was cut.
std::string Clip(std::string_view text, size_t width);

// Rows of cells, aligned in columns that are two spaces apart.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
  // A row has as many cells as the header.
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // Every row with its line break. Where `max_width` is not 0 and a row would be wider, the column
  // `elastic` is clipped, but not below 16 columns. Cells pass through OneLine.
  std::string Render(size_t max_width = 0, size_t elastic = 0) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Columns of the terminal that stdout is, or 0 where it is none.
size_t TerminalWidth();

}  // namespace hearth
