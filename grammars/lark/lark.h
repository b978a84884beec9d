// Lark's grammar notation, the part of it that describes a language: rules in small letters,
// terminals in capitals, the text is the rule `start`.
//
// Obeyed: strings ("…", "…"i), ranges ("a".."z"), regular expressions (/…/, as ECMA-262 reads
// them), groups ( ), options [ ], * + ? ~n ~n..m, alternatives also on following lines, comments
// (// and
// #), aliases (-> name, which say nothing about the text), the prefixes ? ! _ and priorities (as
// little), direct left recursion, %ignore (at most once behind each terminal of a rule and at the
// start), %import of common's terminals, and %json {schema}. Refused by name: other % words,
// templates, flags of regular expressions, indirect left recursion.
#pragma once

#include <string_view>

#include "grammars/grammar_builder.h"

namespace hearth::grammar {

Result<GrammarBuilder::Part> AddLark(GrammarBuilder& builder, std::string_view text);

}  // namespace hearth::grammar
