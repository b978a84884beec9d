// Letters: case and classes of characters, as Python's str has them.
#pragma once

#include <string>

namespace hearth::serving {

// Appends the upper- or lower-case form, which may be several characters ("ß" -> "SS").
void AppendUpper(char32_t c, std::string& out);
void AppendLower(char32_t c, std::string& out);
bool IsUpper(char32_t c);
bool IsLower(char32_t c);
bool IsAlpha(char32_t c);
bool IsDecimal(char32_t c);
bool IsDigit(char32_t c);
bool IsNumeric(char32_t c);

}  // namespace hearth::serving
