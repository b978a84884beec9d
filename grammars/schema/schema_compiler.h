// SchemaCompiler: JSON Schemas (and the parts of a GrammarBuilder) to one Program.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "grammars/json_schema.h"
#include "grammars/matcher/program.h"
#include "grammars/schema/facts.h"
#include "runtime/base/core/result.h"

namespace hearth::grammar {

// Keywords of our own, written by Negate. No document may hold a key that begins like them.
inline constexpr char kOwnPrefix = '\x01';
inline constexpr char kTypesKey[] = "\001types";            // a set of TypeBits
inline constexpr char kNotStringsKey[] = "\001notStrings";  // none of these strings
inline constexpr char kNotPatternKey[] = "\001notPattern";
inline constexpr char kAbsentKey[] = "\001absent";  // none of these properties

// The member of an object with this key; null where there is none.
inline const Json* Member(const Json& schema, const char* key) {
  const auto it = schema.find(key);
  return it == schema.end() ? nullptr : &*it;
}

class SchemaCompiler {
 public:
  static constexpr int kMaxDepth = 400;  // of a schema's text

  SchemaCompiler();
  ~SchemaCompiler();

  // Nodes by hand (schema/nodes.cpp).
  NodeIndex AddLiterals(std::vector<std::pair<std::string, uint32_t>> entries);
  NodeIndex AddSequence(const std::vector<NodeIndex>& parts);
  NodeIndex AddChoice(const std::vector<NodeIndex>& parts);
  NodeIndex AddRepeat(NodeIndex part, uint32_t min, uint32_t max);
  NodeIndex AddToken(TokenId token);
  NodeIndex AddTextUntil(const std::vector<std::string>& stops);
  NodeIndex AddText(ExprId language, uint32_t min = 0, uint32_t max = kNoLimit);
  NodeIndex AddForward();
  void DefineForward(NodeIndex forward, NodeIndex body);
  ExpressionStore& expressions() { return *store_; }
  NodeIndex AddString(ExprId language, uint32_t min, uint32_t max, bool in_body);

  // Keeps a document for schemas that lie in it: their $refs mean places there.
  Result<const Json*> AddDocument(Json document);
  // `within`: the document that the schema is a part of, or null where it stands by itself.
  Result<NodeIndex> AddSchema(Json schema, const JsonSchemaOptions& options,
                              const Json* within = nullptr);
  // The strings that the schema admits, as bare text in which none of the stops occurs.
  Result<NodeIndex> AddBareStrings(Json schema, const std::vector<std::string>& stops,
                                   const Json* within);
  Result<std::shared_ptr<const CompiledGrammar>> Build(NodeIndex root);

  // Steps taken so far, of schemas and of regular expressions: what the budgets are counted in.
  static constexpr size_t kMaxWork = 2'000'000;
  static constexpr size_t kMaxRegexWork = 10'000'000;
  size_t work() const { return work_ + regex_work(); }

 private:
  // Limits of one compilation.
  static constexpr size_t kMaxNodes = 300'000;
  static constexpr size_t kMaxAlternatives = 1024;
  static constexpr int kMaxProofDepth = 5;
  static constexpr size_t kMaxLiteral = 65'000;  // bytes: the state has 16 bits for the place

  void AddSpec(ExprId language, uint32_t min, uint32_t max, bool in_body);
  // The whole of a schema that is compiled next.
  Result<Term> Begin(Json schema, const Json* within);

  // Facts (schema/collect.cpp).
  Result<std::vector<Facts>> Expand(const Conjunction& conjunction);
  Result<std::vector<Facts>> ExpandFrom(Facts facts);
  Status Collect(Facts& facts, Term term, std::vector<Term>& ancestors);
  Status CollectKeyword(Facts& facts, Term term, const std::string& key, const Json& value,
                        std::vector<Term>& ancestors);
  // (schema/branches.cpp)
  Status CollectConditional(Facts& facts, Term term, const std::vector<Term>& ancestors);
  Status CollectOneOf(Facts& facts, Term term, const Json& branches, std::vector<Term>& ancestors);
  Status CollectDependencies(Facts& facts, Term term, const Json& value,
                             const std::vector<Term>& ancestors);
  using Discriminators = std::map<std::string, std::vector<std::string>>;  // words by property
  Result<Discriminators> DiscriminatorsOf(const Facts& facts);
  static bool Differ(const Discriminators& a, const Discriminators& b);
  // (schema/reference.cpp)
  Result<Term> Resolve(Term term, const std::string& reference);
  Result<ExprId> Pattern(const std::string& pattern, Term at, const char* keyword);

  // Negation (schema/negate.cpp): a schema that holds exactly where the given one does not.
  Result<const Json*> Negate(Term term, int depth);
  Result<Json> NegateJson(Term term, int depth);

  // Proofs (schema/emptiness.cpp). "Not empty" is the answer where no proof was found.
  Result<bool> IsEmpty(const Conjunction& conjunction, int depth);
  Result<bool> IsEmptyFacts(const Facts& facts, int depth);
  Result<bool> ValueFits(const Json& value, const Facts& facts);  // scalars alone

  // Nodes (schema/lower.cpp).
  NodeIndex NodeFor(Conjunction conjunction);
  Status Lower(const Conjunction& conjunction, NodeIndex node);
  Status LowerFacts(const Facts& facts, std::vector<NodeIndex>& parts,
                    std::vector<std::pair<std::string, uint32_t>>& scalars);
  Status LowerLiterals(const Facts& facts, std::vector<NodeIndex>& parts,
                       std::vector<std::pair<std::string, uint32_t>>& scalars);
  Status LowerNumber(const Facts& facts, std::vector<NodeIndex>& parts);
  Status LowerString(const Facts& facts, std::vector<NodeIndex>& parts);
  Status LowerArray(const Facts& facts, std::vector<NodeIndex>& parts);  // schema/lower_array.cpp
  Status LowerUnique(const Facts& facts, const Conjunction& item, ArraySpec& spec);
  Status LowerObject(const Facts& facts, std::vector<NodeIndex>& parts);  // schema/lower_object.cpp
  struct KeyClass {
    ExprId language;
    Conjunction value;
  };
  Result<std::vector<KeyClass>> KeyClasses(const Facts& facts,
                                           const std::vector<std::string>& names,
                                           ExprId names_language);
  Result<std::optional<Conjunction>> PropertyConjunction(const Facts& facts,
                                                         const std::string& name);
  Result<ExprId> KeyLanguage(const Conjunction& conjunction);
  Result<ExprId> ListedStrings(const Facts& facts);  // of facts with literals
  Result<NumberRange> RangeOf(const Facts& facts);

  // True where some node can begin with itself: no machine could be built that way.
  bool BeginsWithItself() const;
  Error OverBudget() const;
  Error At(Term term, const std::string& keyword, ErrorCode code, const std::string& what);
  std::string PointerTo(const Json* schema);
  void Note(std::string note);
  const Json* Own(Json schema);
  size_t regex_work() const {
    return store_ != nullptr ? store_->work() : program_ != nullptr ? program_->chars->work() : 0;
  }
  bool Spend(size_t work) {
    work_ = std::min(work_ + work, kMaxWork + 1);  // what is not granted is not done
    return work_ <= kMaxWork && regex_work() <= kMaxRegexWork;
  }
  static Conjunction Normalized(std::vector<Term> terms);
  static bool IsFalse(const Json& schema) { return schema.is_boolean() && !schema.get<bool>(); }
  static bool IsTrue(const Json& schema) {
    return (schema.is_boolean() && schema.get<bool>()) || (schema.is_object() && schema.empty());
  }

  std::unique_ptr<Program> program_;
  std::unique_ptr<ExpressionStore> store_;
  struct StringLanguage {
    ExprId plain;    // without the bounds on its length
    ExprId bounded;  // with them
  };
  std::vector<StringLanguage> string_languages_;  // of program_->strings
  std::deque<Json> documents_, owned_;
  const Json* root_ = nullptr;  // the document that is being compiled
  JsonSchemaOptions options_;
  std::set<std::string> notes_;
  std::map<Conjunction, NodeIndex> nodes_;
  std::vector<std::pair<Conjunction, NodeIndex>> queue_;
  std::map<std::tuple<ExprId, uint32_t, uint32_t, bool>, NodeIndex> strings_;
  std::map<std::string, NodeIndex> numbers_;
  std::unordered_map<std::string, ExprId> patterns_;
  std::map<std::pair<std::string, bool>, std::optional<ExprId>> formats_;  // and if narrowed
  std::unordered_map<const Json*, const Json*> negated_;
  size_t work_ = 0;
  bool long_literal_ = false;
  int proof_depth_ = 0;
};

// How a JSON string is written in keys and enum values, quotes included: as it is, and with \uXXXX
// for what is not ASCII where that differs.
std::vector<std::string> Spellings(const std::string& utf8);

}  // namespace hearth::grammar
