// The general categories of Unicode that a pattern may name by \p{…}.
#pragma once

#include <optional>
#include <string_view>

#include "grammars/regex/code_point_set.h"

namespace hearth::grammar {

// "L", "Lu", "Letter", "gc=Nd", "General_Category=Zs", "ASCII", "Any", …; nothing where unknown.
std::optional<CodePointSet> UnicodeProperty(std::string_view name);

}  // namespace hearth::grammar
