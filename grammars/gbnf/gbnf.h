// GBNF, the grammar notation of llama.cpp: rules `name ::= …` of literals, character classes,
// groups, alternatives and repetitions; the text is the rule `root`.
//
// Obeyed: escapes \n \r \t \\ \" \[ \] \xHH \uHHHH \UHHHHHHHH, ranges and negated classes, `.`,
// * + ? {m} {m,} {m,n}, comments, line breaks inside groups and behind `|` and `::=`, tokens by id
// (<[1000]>). Refused by name: tokens by their text (<think>) and negated tokens, rules that are
// not defined or defined twice, left recursion, more than kMaxText bytes.
#pragma once

#include <string_view>

#include "grammars/grammar_builder.h"

namespace hearth::grammar {

Result<GrammarBuilder::Part> AddGbnf(GrammarBuilder& builder, std::string_view text);

}  // namespace hearth::grammar
