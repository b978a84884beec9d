// The grammar of a call's arguments in a family's own writing, from the tool's JSON Schema.
//
// JSON arguments obey the whole schema. In the other writings (tags, Python's, braces) strings and
// numbers do too (patterns, formats, lengths, bounds, enum, through $ref, anyOf, oneOf, allOf), and
// so does what is written as JSON between tags. Of arrays and objects that Python or braces write,
// names, which of them must come, types, $ref, items and their number are obeyed; where anyOf,
// oneOf or allOf describe them, the branches are, and not what stands beside those. A string that
// the writing cannot hold (the closing tag is in it) cannot be written; a parameter whose name it
// cannot hold is left out where it is optional, and an error where it is required. Arguments come
// in the order of the schema.
#pragma once

#include "grammars/grammar_builder.h"
#include "runtime/base/json.h"
#include "runtime/serving/chat_format.h"

namespace hearth::serving {

using GrammarPart = grammar::GrammarBuilder::Part;

// One blank behind commas and colons, as models see JSON in training; a free choice of blanks would
// cost a forward pass at each of them.
inline constexpr grammar::JsonSchemaOptions kJsonStyle = {
    .whitespace = grammar::JsonSchemaOptions::Whitespace::kSpaced, .plain_integers = true};

// Literal text in which control tokens of a bound format are tokens.
GrammarPart TextPart(grammar::GrammarBuilder& builder, const ChatFormat& format,
                     std::string_view text);
// Free text up to the first of the stops; a stop that holds a control token needs no watching.
GrammarPart FreeText(grammar::GrammarBuilder& builder, const std::vector<std::string>& stops);

// `parameters` describes an object. `closing`: the text behind the arguments.
Result<GrammarPart> ArgumentsPart(grammar::GrammarBuilder& builder, const ChatFormat& format,
                                  const Json& parameters, std::string_view closing);

}  // namespace hearth::serving
