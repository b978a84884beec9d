// The string formats that are enforced, each as a regular language.
#pragma once

#include <optional>
#include <string_view>

#include "grammars/regex/expression.h"

namespace hearth::grammar {

// Nothing for a format that we do not know; its name then belongs in the notes.
// `narrowed`: a pattern stands beside it. Leap seconds are then those of UTC alone: each of the
// 1,440 others is a state of its own, too many to multiply by those of a pattern.
std::optional<ExprId> FormatLanguage(std::string_view name, bool narrowed, ExpressionStore& store);

}  // namespace hearth::grammar
