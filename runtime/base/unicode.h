// Unicode text in UTF-8: decoding, case folding, white space. No locale is involved.
//
// The tables follow Python's str.casefold and str.isspace (unicode_tables.inc says which Unicode
// version and how they are made). Bytes that are not UTF-8 count as U+FFFD each; nothing here
// fails.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

bool IsUtf8(std::string_view text);

// Takes the first code point off a text that is not empty.
char32_t TakeCodePoint(std::string_view& text);
void AppendUtf8(std::string& out, char32_t code_point);
size_t CountCodePoints(std::string_view text);

// Full case folding: texts that differ only in case fold to the same bytes ("Straße", "STRASSE").
std::string CaseFold(std::string_view text);

bool IsSpace(char32_t code_point);
// Without the white space at both ends.
std::string_view Strip(std::string_view text);
// The pieces between white space.
std::vector<std::string_view> SplitWords(std::string_view text);

// Columns of a terminal: 0 (combining), 1 or 2 (wide East Asian characters and emoji).
int ColumnWidth(char32_t code_point);

}  // namespace hearth
