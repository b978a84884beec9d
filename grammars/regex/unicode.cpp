#include "grammars/regex/unicode.h"

#include <array>
#include <string>
#include <utility>

namespace hearth::grammar {

namespace {
#include "grammars/regex/unicode_table.inc"

// Long names of the property values, Unicode Character Database, PropertyValueAliases.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"Letter", "L"},
    {"Cased_Letter", "LC"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Private_Use", "Co"},
    {"Unassigned", "Cn"},
    {"Other", "C"}};
}  // namespace

std::optional<CodePointSet> UnicodeProperty(std::string_view name) {
  if (name == "ASCII") return CodePointSet(0, 127);
  if (name == "Any") return CodePointSet::Everything();
  for (std::string_view prefix : {"gc=", "General_Category="}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  for (const auto& [longer, shorter] : kAliases) {
    if (name == longer) name = shorter;
  }
  const auto wanted = [&](std::string_view category) {
    if (name == "LC") return category == "Lu" || category == "Ll" || category == "Lt";
    return name.size() == 1 ? category[0] == name[0] : category == name;
  };
  CodePointSet set;
  for (size_t i = 0; i < std::size(kRuns); ++i) {
    if (!wanted(kCategories[kRuns[i] & 31])) continue;
    const CodePoint end = i + 1 < std::size(kRuns) ? kRuns[i + 1] >> 5 : kMaxCodePoint + 1;
    set.Add(kRuns[i] >> 5, end - 1);
  }
  if (set.empty()) return std::nullopt;
  return set.Intersect(CodePointSet::Everything());
}

}  // namespace hearth::grammar
