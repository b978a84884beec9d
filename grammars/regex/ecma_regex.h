// ParseEcmaRegex: a JSON Schema `pattern` (ECMA-262, unicode mode) as the language of the strings
// in which it finds a match somewhere.
//
// Obeyed: alternation, groups, all quantifiers (greed does not matter to a language), classes, \d
// \w \s,
// \p{general category} and its script-free aliases, anchors anywhere, look-ahead. Refused, by name:
// back references, look-behind, \b, other properties, inline flags, control-letter identity
// escapes.
#pragma once

#include <string_view>

#include "grammars/regex/expression.h"
#include "runtime/base/core/result.h"

namespace hearth::grammar {

Result<ExprId> ParseEcmaRegex(std::string_view pattern, ExpressionStore& store);
// The same, but the whole string must match (grammars' own formats).
Result<ExprId> ParseEcmaRegexWhole(std::string_view pattern, ExpressionStore& store);

// Strict UTF-8 to scalar values; false where the bytes are not UTF-8.
bool DecodeUtf8(std::string_view bytes, std::u32string& out);
void AppendUtf8(CodePoint c, std::string& out);

}  // namespace hearth::grammar
