// Facts: one way to satisfy a set of schemas at once, keyword by keyword, before it becomes nodes.
//
// A position of a document is described by a Conjunction, the set of raw schemas that all apply
// there
// ($ref, allOf and siblings only add members, so recursion ends: there are finitely many sets).
// anyOf, oneOf, if, not and the dependent keywords branch: a conjunction is a list of Facts.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "grammars/regex/expression.h"
#include "grammars/schema/number_automaton.h"

namespace hearth::grammar {

using Json = nlohmann::ordered_json;

struct Term {
  const Json* schema = nullptr;
  const Json* resource = nullptr;  // the schema against which its $refs are resolved
  auto operator<=>(const Term&) const = default;
};
using Conjunction = std::vector<Term>;  // sorted, without duplicates

enum TypeBit : uint8_t {
  kNullType = 1,
  kBooleanType = 2,
  kIntegerType = 4,
  kFractionType = 8,  // numbers that are no integers
  kStringType = 16,
  kObjectType = 32,
  kArrayType = 64,
  kAllTypes = 127,
};

struct ObjectGroup {  // one schema's say on properties
  const Json* properties = nullptr;
  const Json* patterns = nullptr;
  const Json* additional = nullptr;
  const Json* resource = nullptr;
};

struct ArrayGroup {
  const Json* prefix = nullptr;  // an array of schemas
  const Json* rest = nullptr;
  const Json* resource = nullptr;
};

struct Contains {
  Term term;
  uint32_t min = 1, max = UINT32_MAX;
};

struct Choice {  // one of these sets of schemas must hold as well
  std::vector<std::vector<Term>> branches;
  std::vector<Term> ancestors;  // schemas whose expansion led here: meeting one again is a cycle
};

struct Facts {
  uint8_t types = kAllTypes;
  std::optional<std::vector<const Json*>> literals;

  NumberRange number;
  std::vector<Decimal> steps;

  std::vector<ExprId> languages;
  uint32_t min_length = 0, max_length = UINT32_MAX;

  std::vector<ObjectGroup> object_groups;
  std::vector<std::string> required;
  std::vector<std::string> absent;
  std::vector<Term> property_names;
  uint32_t min_properties = 0, max_properties = UINT32_MAX;
  bool any_order = false;  // an object that enum or const spells out: equal in whatever order

  std::vector<ArrayGroup> array_groups;
  std::vector<Contains> contains;
  uint32_t min_items = 0, max_items = UINT32_MAX;
  bool unique = false;

  std::vector<Choice> choices;
  std::vector<Term> visited;
};

}  // namespace hearth::grammar
