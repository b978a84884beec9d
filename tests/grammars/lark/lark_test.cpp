#include "grammars/lark/lark.h"

#include "tests/grammars/notation_cases.h"

namespace hearth::grammar {
namespace {

const auto kAdd = [](GrammarBuilder& builder, const std::string& text) {
  return AddLark(builder, text);
};

constexpr const char* kSums = R"~(// sums of numbers
?start: sum
?sum: product
    | sum "+" product   -> add
    | sum "-" product   -> sub
?product: atom
    | product "*" atom  -> mul
?atom: NUMBER           -> number
     | "(" sum ")"
%import common.NUMBER
%import common.WS_INLINE
%ignore WS_INLINE
)~";

TEST_CASE("grammars in Lark hold what they say") {
  CheckNotation(
      {
          {"start: \"yes\" | \"no\"", {"yes", "no"}, {"", "yesno"}},
          {"start: A b?\nA: \"x\"+\nb: \"y\"~2..3", {"x", "xxyy", "xyyy"}, {"", "xy", "xyyyy"}},
          {"start: /[a-z]{2}/ [\"-\"] \"0\"..\"9\"", {"ab1", "ab-1"}, {"a1", "ab--1", "abx"}},
          {"start: \"Go\"i", {"go", "GO", "Go"}, {"g"}},
          {"start: \"a\"\n     | \"b\"\n", {"a", "b"}, {"c"}},
          {"start: \"(\" start* \")\"", {"()", "(()())"}, {"(", ")("}},
          {kSums, {"1", "1 + 2*(3 - 4)", "10-2-3", "( 1)"}, {"", "+1", "1 +", "1  +\n2"}},
          {"start: %json {\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}},"
           " \"additionalProperties\": false} \".\"",
           {"{\"a\": 1}.", "{}."},
           {"{\"a\": \"}\"}.", "{\"b\": 1}."}},
          {"%import common (INT, ESCAPED_STRING)\nstart: INT \":\" ESCAPED_STRING",
           {"12:\"a \\\" b\""},
           {"12:\"a"}},
          {"start: /a\\/b[\\/]/", {"a/b/"}, {"ab"}},
          {"start.2: _x\n_x: \"\\n\" \"\\x41\"", {"\nA"}, {"A"}},
      },
      kAdd);
}

TEST_CASE("what is wrong or missing in a grammar is named with its line") {
  CheckRefused(
      {
          {"", "no rule 'start'"},
          {"start: x", "'x' is used and not defined"},
          {"start: \"a\"\nstart: \"b\"", "line 2"},
          {"start \"a\"", "':' is missing"},
          {"start: \"a", "not closed"},
          {"start: /a", "not closed"},
          {"start: /a/i", "flags"},
          {"start: /(?<=a)b/", "look-behind"},
          {"start: (\"a\"", "not closed"},
          {"start: \"a\" )", "belongs to no rule"},
          {"start: \"b\"..\"a\"", "range"},
          {"start: \"a\"~3..2", "below the lower"},
          {"%declare X\nstart: X", "unsupported"},
          {"%import python.NAME\nstart: NAME", "elsewhere"},
          {"%import common.NOPE\nstart: NOPE", "NOPE"},
          {"start: %json {\"type\": ", "not closed"},
          {"start: %json {\"type\": \"oddity\"}", "type"},
          {"x{a}: a\nstart: \"b\"", "templates"},
          {"start: a \"x\"\na: start \"y\" | \"z\"", "left recursion"},
          {"start: " + std::string(200, '('), "nested too deeply"},
      },
      kAdd);
}

}  // namespace
}  // namespace hearth::grammar
