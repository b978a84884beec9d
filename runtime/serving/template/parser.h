// The parser: tokens into the tree of a template.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/ast.h"
#include "runtime/serving/template/token.h"

namespace hearth::serving {

// Recursive descent, no deeper than 100 levels. Errors begin with "line N: ".
Result<Block> ParseTemplate(std::string_view source);

}  // namespace hearth::serving
