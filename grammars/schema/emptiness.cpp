// Proofs that nothing satisfies a set of schemas; oneOf rests on them. Where no proof is found in a
// few levels, the answer is "not empty".
#include <algorithm>

#include "grammars/regex/ecma_regex.h"
#include "grammars/schema/json_text.h"
#include "grammars/schema/schema_compiler.h"

namespace hearth::grammar {

Result<bool> SchemaCompiler::IsEmpty(const Conjunction& conjunction, int depth) {
  if (depth > kMaxProofDepth || !Spend(5)) return false;
  for (const Term& t : conjunction) {
    if (IsFalse(*t.schema)) return true;
  }
  const int outer = proof_depth_;
  proof_depth_ = depth;
  auto ways = Expand(conjunction);
  proof_depth_ = outer;
  // A schema that we refuse in itself is refused where it is used; here it proves nothing.
  if (!ways) return false;
  for (const Facts& facts : *ways) {
    HEARTH_TRY(const bool empty, IsEmptyFacts(facts, depth + 1));
    if (!empty) return false;
  }
  return true;
}

Result<bool> SchemaCompiler::IsEmptyFacts(const Facts& facts, int depth) {
  if (facts.types == 0) return true;
  if (facts.literals) {
    for (const Json* value : *facts.literals) {
      HEARTH_TRY(const bool fits, ValueFits(*value, facts));
      if (fits) return false;
    }
    return true;
  }
  if (facts.types & (kNullType | kBooleanType)) return false;
  if (facts.types & (kIntegerType | kFractionType)) {
    const NumberRange& r = facts.number;
    const bool empty =
        r.low && r.high && (*r.low > *r.high || (*r.low == *r.high && (r.low_open || r.high_open)));
    if (!empty) return false;
  }
  if (facts.types & kStringType) {
    std::vector<ExprId> parts = facts.languages;
    parts.push_back(store_->Repeat(store_->AnyChar(), facts.min_length, facts.max_length));
    if (facts.min_length <= facts.max_length && !store_->IsEmpty(store_->And(std::move(parts)))) {
      return false;
    }
  }
  if (facts.types & kArrayType) {
    bool empty = facts.min_items > facts.max_items;
    for (uint32_t i = 0; i < std::min(facts.min_items, 4u) && !empty; ++i) {
      std::vector<Term> item;
      for (const ArrayGroup& g : facts.array_groups) {
        if (g.prefix != nullptr && i < g.prefix->size()) {
          item.push_back({&(*g.prefix)[i], g.resource});
        } else if (g.rest != nullptr) {
          item.push_back({g.rest, g.resource});
        }
      }
      HEARTH_TRY(empty, IsEmpty(Normalized(std::move(item)), depth));
    }
    if (!empty) return false;
  }
  if (facts.types & kObjectType) {
    bool empty =
        facts.min_properties > facts.max_properties || facts.required.size() > facts.max_properties;
    for (const std::string& name : facts.required) {
      if (empty) break;
      HEARTH_TRY(const auto value, PropertyConjunction(facts, name));
      if (!value) {
        empty = true;
        break;
      }
      HEARTH_TRY(empty, IsEmpty(*value, depth));
    }
    if (!empty) return false;
  }
  return true;
}

// For arrays and objects, "fits" where the type is right: what is in them was not looked at.
Result<bool> SchemaCompiler::ValueFits(const Json& value, const Facts& facts) {
  switch (value.type()) {
    case Json::value_t::null:
      return (facts.types & kNullType) != 0;
    case Json::value_t::boolean:
      return (facts.types & kBooleanType) != 0;
    case Json::value_t::object:
      return (facts.types & kObjectType) != 0;
    case Json::value_t::array:
      return (facts.types & kArrayType) != 0;
    case Json::value_t::string: {
      if ((facts.types & kStringType) == 0) return false;
      std::u32string text;
      if (!DecodeUtf8(value.get_ref<const std::string&>(), text)) return false;
      if (text.size() < facts.min_length || text.size() > facts.max_length) return false;
      return std::all_of(facts.languages.begin(), facts.languages.end(),
                         [&](ExprId language) { return store_->Matches(language, text); });
    }
    default:
      break;
  }
  const auto number = NumberOf(value);
  if (!number)
    return MakeError(ErrorCode::kUnsupported, "unsupported: a number of so many digits in enum");
  if ((facts.types & (number->IsInteger() ? kIntegerType : kFractionType)) == 0) return false;
  const NumberRange& r = facts.number;
  if (r.low && (*number < *r.low || (r.low_open && *number == *r.low))) return false;
  if (r.high && (*number > *r.high || (r.high_open && *number == *r.high))) return false;
  for (const Decimal& step : facts.steps) {
    const auto multiple = number->IsMultipleOf(step);
    if (!multiple)
      return MakeError(ErrorCode::kUnsupported, "unsupported: multipleOf with so many digits");
    if (!*multiple) return false;
  }
  return true;
}

}  // namespace hearth::grammar
