// GrammarBuilder: small grammars from parts, so that all of a reply (text, the call's markers, its
// JSON arguments) is one grammar.
//
//   GrammarBuilder b;
//   auto call = b.Sequence({b.Literal("<tool_call>\n"), *b.JsonSchema(schema),
//   b.Literal("\n</tool_call>")}); auto grammar =
//   std::move(b).Build(b.Sequence({b.TextUntil({"<tool_call>"}), b.Optional(call)}));
//
// A Part belongs to the builder that made it. Special tokens of a vocabulary are never matched as
// text; Token names one by id.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "grammars/compiled_grammar.h"
#include "grammars/json_schema.h"
#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::grammar {

class CodePointSet;
class ExpressionStore;
class SchemaCompiler;

class GrammarBuilder {
 public:
  using Part = uint32_t;
  static constexpr uint32_t kUnlimited = UINT32_MAX;

  GrammarBuilder();
  ~GrammarBuilder();

  Part Literal(std::string_view bytes);
  Part Sequence(const std::vector<Part>& parts);
  // Any of the parts; none at all matches nothing.
  Part Choice(const std::vector<Part>& parts);
  Part Repeat(Part part, uint32_t min, uint32_t max = kUnlimited);
  Part Optional(Part part) { return Repeat(part, 0, 1); }
  // One token by id.
  Part Token(TokenId id);
  // Bytes (valid UTF-8 is not asked for) in which none of the stop strings occurs. What follows in
  // the grammar should begin with one of them: then the text ends exactly where its first
  // occurrence begins, be that in the middle of a token. Empty stop strings are ignored; none: any
  // text.
  Part TextUntil(const std::vector<std::string>& stops);
  // Text that matches an ECMA-262 pattern as a whole (json_schema.h says which are refused).
  Result<Part> Regex(std::string_view pattern);
  // One character of the set, and text of an expression of expressions(): for the front ends.
  Part Character(const CodePointSet& set);
  Part Text(uint32_t expression);
  ExpressionStore& expressions();
  // A part that is known before what it stands for: rules may refer to each other. Every part that
  // was forward declared must be defined before Build.
  Part Forward();
  void Define(Part forward, Part body);
  // A grammar in llama.cpp's GBNF: its rule `root` (gbnf/).
  Result<Part> Gbnf(std::string_view text);
  // A grammar in a subset of Lark: its rule `start` (lark/).
  Result<Part> Lark(std::string_view text);
  // A structural tag as XGrammar defines it, the whole object or its `format` (structural/).
  Result<Part> StructuralTag(const nlohmann::ordered_json& tag, const JsonSchemaOptions& options);
  // A document for schemas that are parts of it: their $refs mean places there.
  using Document = const nlohmann::ordered_json*;
  Result<Document> AddDocument(nlohmann::ordered_json document);
  Result<Part> JsonSchema(const nlohmann::ordered_json& schema,
                          const JsonSchemaOptions& options = {}, Document within = nullptr);
  // The strings that a schema admits as they are, without quotes and escapes, as far as none of the
  // stop strings occurs in them. Where the schema says nothing of strings this is TextUntil.
  Result<Part> BareStrings(const nlohmann::ordered_json& schema,
                           const std::vector<std::string>& stops, Document within = nullptr);

  // Error: nothing matches `root`, or a part repeats or begins with itself.
  Result<std::shared_ptr<const CompiledGrammar>> Build(Part root) &&;

 private:
  std::unique_ptr<SchemaCompiler> compiler_;
};

}  // namespace hearth::grammar
