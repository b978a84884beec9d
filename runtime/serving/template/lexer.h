// Lexer: a chat template's source into tokens, by the rules of Jinja with trim_blocks and
// lstrip_blocks: the first line break after a statement or comment is dropped, and so is the white
// space before one that begins its line; a - or + in the tag asks for more or for less. One line
// break at the very end is dropped.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/token.h"

namespace hearth::serving {

// The last token is kEnd. Costs O(n).
Result<std::vector<Token>> LexTemplate(std::string_view source);

}  // namespace hearth::serving
