#include "grammars/schema/schema_compiler.h"

#include <algorithm>

#include "grammars/gbnf/gbnf.h"
#include "grammars/grammar_builder.h"
#include "grammars/lark/lark.h"
#include "grammars/regex/ecma_regex.h"
#include "grammars/schema/json_text.h"
#include "grammars/structural/structural_tag.h"

namespace hearth::grammar {

namespace {

int DepthOf(const Json& json, int limit) {
  if (limit == 0 || !json.is_structured()) return 1;
  int deepest = 0;
  for (const auto& item : json) deepest = std::max(deepest, DepthOf(item, limit - 1));
  return deepest + 1;
}

bool HoldsOwnKeys(const Json& json) {
  if (!json.is_structured()) return false;
  for (auto it = json.begin(); it != json.end(); ++it) {
    if (json.is_object() && !it.key().empty() && it.key()[0] == kOwnPrefix) return true;
    if (HoldsOwnKeys(*it)) return true;
  }
  return false;
}

// Finds the path from `from` to the very object `wanted`.
bool FindPath(const Json& from, const Json* wanted, std::string& path, size_t& work) {
  ++work;
  if (&from == wanted) return true;
  if (!from.is_structured()) return false;
  size_t index = 0;
  for (auto it = from.begin(); it != from.end(); ++it, ++index) {
    const size_t length = path.size();
    path += '/';
    if (from.is_array()) {
      path += std::to_string(index);
    } else {
      for (const char c : it.key()) path += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    }
    if (FindPath(*it, wanted, path, work)) return true;
    path.resize(length);
  }
  return false;
}

}  // namespace

SchemaCompiler::SchemaCompiler()
    : program_(std::make_unique<Program>()), store_(std::make_unique<ExpressionStore>()) {}
SchemaCompiler::~SchemaCompiler() = default;

Error SchemaCompiler::At(Term term, const std::string& keyword, ErrorCode code,
                         const std::string& what) {
  std::string pointer = PointerTo(term.schema);
  if (!keyword.empty()) pointer += "/" + keyword;
  return MakeError(code, what, " at ", pointer);
}

std::string SchemaCompiler::PointerTo(const Json* schema) {
  for (const Json& document : documents_) {
    std::string path = "#";
    if (FindPath(document, schema, path, work_)) return path;
  }
  return "# (a schema derived from not, if or const)";
}

void SchemaCompiler::Note(std::string note) { notes_.insert(std::move(note)); }

const Json* SchemaCompiler::Own(Json schema) {
  owned_.push_back(std::move(schema));
  return &owned_.back();
}

Conjunction SchemaCompiler::Normalized(std::vector<Term> terms) {
  std::erase_if(terms, [](const Term& t) { return IsTrue(*t.schema); });
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
  return terms;
}

Error SchemaCompiler::OverBudget() const {
  if (regex_work() > kMaxRegexWork || store_ == nullptr || store_->exhausted()) {
    return MakeError(ErrorCode::kResourceExhausted, "schema too large: its patterns need over ",
                     kMaxRegexWork, " steps or ", ExpressionStore::kMaxNodes, " expressions");
  }
  return MakeError(ErrorCode::kResourceExhausted, "schema too large: its grammar needs over ",
                   kMaxNodes, " nodes or ", kMaxWork, " steps");
}

Result<const Json*> SchemaCompiler::AddDocument(Json document) {
  if (DepthOf(document, kMaxDepth + 1) > kMaxDepth) {
    return MakeError(ErrorCode::kResourceExhausted, "schema nested deeper than ", kMaxDepth,
                     " levels");
  }
  if (HoldsOwnKeys(document)) {
    return MakeError(ErrorCode::kUnsupported, "unsupported: a key that begins with U+0001");
  }
  documents_.push_back(std::move(document));
  return &documents_.back();
}

Result<Term> SchemaCompiler::Begin(Json schema, const Json* within) {
  HEARTH_TRY(const Json* added, AddDocument(std::move(schema)));
  root_ = within != nullptr ? within : added;
  if (within == nullptr) nodes_.clear();  // made with other options
  return Term{added, root_};
}

Result<NodeIndex> SchemaCompiler::AddSchema(Json schema, const JsonSchemaOptions& options,
                                            const Json* within) {
  options_ = options;
  using Whitespace = JsonSchemaOptions::Whitespace;
  program_->spacing = options.whitespace == Whitespace::kCompact  ? Spacing::kNone
                      : options.whitespace == Whitespace::kSpaced ? Spacing::kBlanks
                                                                  : Spacing::kAny;
  HEARTH_TRY(const Term whole, Begin(std::move(schema), within));
  const NodeIndex node = NodeFor(Normalized({whole}));
  while (!queue_.empty()) {
    const auto [conjunction, at] = std::move(queue_.back());
    queue_.pop_back();
    if (const Status lowered = Lower(conjunction, at); !lowered.ok()) {
      const Error& error = lowered.error();
      if (conjunction.empty() || error.message.find(" at #") != std::string::npos) return error;
      return At(conjunction[0], "", error.code, error.message);
    }
    if (program_->nodes.size() > kMaxNodes || !Spend(1)) return OverBudget();
  }
  return node;
}

Result<std::shared_ptr<const CompiledGrammar>> SchemaCompiler::Build(NodeIndex root) {
  program_->root = root;
  if (long_literal_) {
    return MakeError(ErrorCode::kUnsupported,
                     "unsupported: an enum value, const, key or literal of over ", kMaxLiteral,
                     " bytes");
  }
  std::vector<ExprId> languages;
  for (const StringLanguage& language : string_languages_) {
    languages.push_back(language.plain);
    languages.push_back(language.bounded);
  }
  if (!Spend(languages.size())) return OverBudget();
  program_->chars = std::make_unique<CharDfa>(std::move(store_), languages, kMaxRegexWork);
  for (size_t i = 0; i < string_languages_.size(); ++i) {
    if (!Spend(1) || program_->chars->exhausted()) return OverBudget();
    StringSpec& spec = program_->strings[i];
    spec.start = program_->chars->StateOf(string_languages_[i].plain);
    if (string_languages_[i].plain == string_languages_[i].bounded) continue;
    if (program_->chars->CountsLengths(spec.start, spec.min, spec.slack)) {
      if (program_->chars->Shortest(spec.start) > spec.max) spec.start = CharDfa::kDead;
      continue;
    }
    spec = {.start = program_->chars->StateOf(string_languages_[i].bounded),
            .in_body = spec.in_body};
  }
  program_->Finish();
  if (BeginsWithItself()) {
    return MakeError(ErrorCode::kUnsupported,
                     "unsupported: a rule that begins with itself (left recursion); write it as a "
                     "repetition");
  }
  if (!program_->nodes[root].productive) {
    return MakeError(ErrorCode::kInvalidArgument, "unsatisfiable: no text matches this grammar");
  }
  program_->notes.assign(notes_.begin(), notes_.end());
  return std::shared_ptr<const CompiledGrammar>(
      std::make_shared<CompiledGrammar>(std::move(program_)));
}

GrammarBuilder::GrammarBuilder() : compiler_(std::make_unique<SchemaCompiler>()) {}
GrammarBuilder::~GrammarBuilder() = default;
GrammarBuilder::Part GrammarBuilder::Literal(std::string_view bytes) {
  return compiler_->AddLiterals({{std::string(bytes), 0}});
}
GrammarBuilder::Part GrammarBuilder::Sequence(const std::vector<Part>& parts) {
  return compiler_->AddSequence(parts);
}
GrammarBuilder::Part GrammarBuilder::Choice(const std::vector<Part>& parts) {
  return compiler_->AddChoice(parts);
}
GrammarBuilder::Part GrammarBuilder::Repeat(Part part, uint32_t min, uint32_t max) {
  return compiler_->AddRepeat(part, min, max);
}
GrammarBuilder::Part GrammarBuilder::Token(TokenId id) { return compiler_->AddToken(id); }
GrammarBuilder::Part GrammarBuilder::TextUntil(const std::vector<std::string>& stops) {
  return compiler_->AddTextUntil(stops);
}
Result<GrammarBuilder::Document> GrammarBuilder::AddDocument(nlohmann::ordered_json document) {
  return compiler_->AddDocument(std::move(document));
}
Result<GrammarBuilder::Part> GrammarBuilder::JsonSchema(const nlohmann::ordered_json& schema,
                                                        const JsonSchemaOptions& options,
                                                        Document within) {
  return compiler_->AddSchema(schema, options, within);
}
Result<GrammarBuilder::Part> GrammarBuilder::BareStrings(const nlohmann::ordered_json& schema,
                                                         const std::vector<std::string>& stops,
                                                         Document within) {
  return compiler_->AddBareStrings(schema, stops, within);
}
Result<GrammarBuilder::Part> GrammarBuilder::Regex(std::string_view pattern) {
  HEARTH_TRY(const ExprId language, ParseEcmaRegexWhole(pattern, compiler_->expressions()));
  return compiler_->AddText(language);
}
GrammarBuilder::Part GrammarBuilder::Character(const CodePointSet& set) {
  return compiler_->AddText(compiler_->expressions().Class(set));
}
GrammarBuilder::Part GrammarBuilder::Text(ExprId expression) {
  return compiler_->AddText(expression);
}
ExpressionStore& GrammarBuilder::expressions() { return compiler_->expressions(); }
GrammarBuilder::Part GrammarBuilder::Forward() { return compiler_->AddForward(); }
void GrammarBuilder::Define(Part forward, Part body) { compiler_->DefineForward(forward, body); }
Result<GrammarBuilder::Part> GrammarBuilder::Gbnf(std::string_view text) {
  return AddGbnf(*this, text);
}
Result<GrammarBuilder::Part> GrammarBuilder::Lark(std::string_view text) {
  return AddLark(*this, text);
}
Result<GrammarBuilder::Part> GrammarBuilder::StructuralTag(const nlohmann::ordered_json& tag,
                                                           const JsonSchemaOptions& options) {
  return AddStructuralTag(*this, tag, options);
}
Result<std::shared_ptr<const CompiledGrammar>> GrammarBuilder::Build(Part root) && {
  return compiler_->Build(root);
}

Result<std::shared_ptr<const CompiledGrammar>> CompileJsonSchema(
    const nlohmann::ordered_json& schema, const JsonSchemaOptions& options) {
  SchemaCompiler compiler;
  HEARTH_TRY(const NodeIndex root, compiler.AddSchema(schema, options));
  return compiler.Build(root);
}

Result<std::shared_ptr<const CompiledGrammar>> CompileJsonSchemaText(
    std::string_view text, const JsonSchemaOptions& options) {
  SchemaCompiler compiler;
  auto schema = ParseJsonText(text, SchemaCompiler::kMaxDepth);
  if (!schema) return MakeError(schema.error().code, "schema: ", schema.error().message);
  HEARTH_TRY(const NodeIndex root, compiler.AddSchema(*std::move(schema), options));
  return compiler.Build(root);
}

}  // namespace hearth::grammar
