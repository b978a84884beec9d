// Structural tags as XGrammar defines them: a tree of text, tags and schemas that describes a whole
// reply.
//
// {"type": "structural_tag", "format": F}, F alone, or the older form with `structures` and
// `triggers`. Formats: const_string, json_schema, regex, grammar (GBNF), any_text, sequence, or,
// tag, triggered_tags, tags_with_separator, optional, star, plus, repeat. any_text ends where what
// follows it begins (the next element's fixed text, a tag's end, one of `excludes`). Other formats
// and other fields are refused by name.
#pragma once

#include "grammars/grammar_builder.h"

namespace hearth::grammar {

Result<GrammarBuilder::Part> AddStructuralTag(GrammarBuilder& builder,
                                              const nlohmann::ordered_json& tag,
                                              const JsonSchemaOptions& options);

}  // namespace hearth::grammar
