// CompileJsonSchema: JSON Schema (2020-12, and what earlier drafts spell differently) to a grammar
// of the JSON texts that it admits.
//
// Refuse or obey: every keyword is enforced, or the schema is refused with an Error that names the
// keyword and where it stands as a JSON pointer. Only annotations that look like rules and names of
// unknown formats are passed over, and notes() names each of them. A schema that nothing can
// satisfy is an error too. Work is bounded: over its budget a schema is refused.
//
// Choices that JSON Schema leaves open: properties come in the order written in the schema, those
// that only `required` names after them, additional ones anywhere (JsonSchemaOptions::any_order
// lifts the order, not the rest); keys and enum values have their plain spelling or, for characters
// beyond ASCII, the \uXXXX one; numbers with bounds or multipleOf have no exponent but e0.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "grammars/compiled_grammar.h"
#include "runtime/base/core/result.h"

namespace hearth::grammar {

struct JsonSchemaOptions {
  // kAny: between tokens nothing, one blank, or a line break and indentation (bounded). kSpaced:
  // one blank after each comma and colon, as Python writes it. One grammar has one kind: the last
  // schema added to a builder decides.
  enum class Whitespace { kAny, kCompact, kSpaced };
  Whitespace whitespace = Whitespace::kAny;
  // Declared properties in any order (at most 64 an object); required and uniqueness are kept.
  bool any_order = false;
  // Integers as digits alone, without the equal spellings 1.0 and 1e3.
  bool plain_integers = false;
};

Result<std::shared_ptr<const CompiledGrammar>> CompileJsonSchema(
    const nlohmann::ordered_json& schema, const JsonSchemaOptions& options = {});
// The same from its text, which keeps every digit of bounds and constants.
Result<std::shared_ptr<const CompiledGrammar>> CompileJsonSchemaText(
    std::string_view text, const JsonSchemaOptions& options = {});

}  // namespace hearth::grammar
