// The string formats that are enforced, each as a regular language.
#pragma once

#include <optional>
#include <string_view>

#include "grammars/regex/expression.h"

namespace hearth::grammar {

// Nothing for a format that we do not know; its name then belongs in the notes.
std::optional<ExprId> FormatLanguage(std::string_view name, ExpressionStore& store);

}  // namespace hearth::grammar
