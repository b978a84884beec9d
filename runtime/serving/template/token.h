// Token: a piece of a template's source, as the lexer gives it to the parser.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::serving {

struct Token {
  enum class Kind : uint8_t {
    kText,  // outside of tags; white space is already trimmed as the tags ask
    kOutputBegin,
    kOutputEnd,  // {{ }}
    kStatementBegin,
    kStatementEnd,  // {% %}
    kName,
    kString,
    kInteger,
    kFloat,
    kOperator,
    kEnd,
  };
  Kind kind = Kind::kEnd;
  int line = 1;
  std::string text;  // of a string: its value, escapes resolved
};

}  // namespace hearth::serving
