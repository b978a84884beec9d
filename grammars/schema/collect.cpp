// Raw schemas to Facts: every keyword is taken in here, or refused.
#include <algorithm>
#include <array>
#include <string_view>

#include "grammars/regex/ecma_regex.h"
#include "grammars/schema/formats.h"
#include "grammars/schema/json_text.h"
#include "grammars/schema/schema_compiler.h"

namespace hearth::grammar {

namespace {

enum class Keyword {
  kAnnotation,
  kUnsupported,
  kHandledElsewhere,
  kRef,
  kAllOf,
  kAnyOf,
  kOneOf,
  kNot,
  kIf,
  kType,
  kEnum,
  kConst,
  kMinimum,
  kMaximum,
  kExclusiveMinimum,
  kExclusiveMaximum,
  kMultipleOf,
  kMinLength,
  kMaxLength,
  kPattern,
  kFormat,
  kProperties,
  kRequired,
  kMinProperties,
  kMaxProperties,
  kPropertyNames,
  kDependentRequired,
  kDependentSchemas,
  kDependencies,
  kUnevaluatedProperties,
  kItems,
  kMinItems,
  kMaxItems,
  kUniqueItems,
  kContains,
  kUnevaluatedItems,
  kTypes,
  kNotStrings,
  kNotPattern,
  kAbsent,  // our own, written by Negate
  kUnknown,
};

Keyword KeywordOf(const std::string& name) {
  static const std::unordered_map<std::string_view, Keyword> table = {
      {"title", Keyword::kAnnotation},
      {"description", Keyword::kAnnotation},
      {"default", Keyword::kAnnotation},
      {"examples", Keyword::kAnnotation},
      {"example", Keyword::kAnnotation},
      {"$comment", Keyword::kAnnotation},
      {"readOnly", Keyword::kAnnotation},
      {"writeOnly", Keyword::kAnnotation},
      {"deprecated", Keyword::kAnnotation},
      {"$schema", Keyword::kAnnotation},
      {"$id", Keyword::kAnnotation},
      {"id", Keyword::kAnnotation},
      {"$defs", Keyword::kAnnotation},
      {"definitions", Keyword::kAnnotation},
      {"$anchor", Keyword::kAnnotation},
      {"$vocabulary", Keyword::kUnsupported},
      {"$dynamicRef", Keyword::kUnsupported},
      {"$recursiveRef", Keyword::kUnsupported},
      {"$dynamicAnchor", Keyword::kAnnotation},
      {"$recursiveAnchor", Keyword::kAnnotation},
      {"$ref", Keyword::kRef},
      {"allOf", Keyword::kAllOf},
      {"anyOf", Keyword::kAnyOf},
      {"oneOf", Keyword::kOneOf},
      {"not", Keyword::kNot},
      {"if", Keyword::kIf},
      {"then", Keyword::kHandledElsewhere},
      {"else", Keyword::kHandledElsewhere},
      {"type", Keyword::kType},
      {"enum", Keyword::kEnum},
      {"const", Keyword::kConst},
      {"minimum", Keyword::kMinimum},
      {"maximum", Keyword::kMaximum},
      {"exclusiveMinimum", Keyword::kExclusiveMinimum},
      {"exclusiveMaximum", Keyword::kExclusiveMaximum},
      {"multipleOf", Keyword::kMultipleOf},
      {"minLength", Keyword::kMinLength},
      {"maxLength", Keyword::kMaxLength},
      {"pattern", Keyword::kPattern},
      {"format", Keyword::kFormat},
      {"properties", Keyword::kProperties},
      {"patternProperties", Keyword::kProperties},
      {"additionalProperties", Keyword::kProperties},
      {"required", Keyword::kRequired},
      {"minProperties", Keyword::kMinProperties},
      {"maxProperties", Keyword::kMaxProperties},
      {"propertyNames", Keyword::kPropertyNames},
      {"dependentRequired", Keyword::kDependentRequired},
      {"dependentSchemas", Keyword::kDependentSchemas},
      {"dependencies", Keyword::kDependencies},
      {"unevaluatedProperties", Keyword::kUnevaluatedProperties},
      {"items", Keyword::kItems},
      {"prefixItems", Keyword::kItems},
      {"additionalItems", Keyword::kHandledElsewhere},
      {"minItems", Keyword::kMinItems},
      {"maxItems", Keyword::kMaxItems},
      {"uniqueItems", Keyword::kUniqueItems},
      {"contains", Keyword::kContains},
      {"minContains", Keyword::kHandledElsewhere},
      {"maxContains", Keyword::kHandledElsewhere},
      {"unevaluatedItems", Keyword::kUnevaluatedItems},
      {kTypesKey, Keyword::kTypes},
      {kNotStringsKey, Keyword::kNotStrings},
      {kNotPatternKey, Keyword::kNotPattern},
      {kAbsentKey, Keyword::kAbsent}};
  const auto it = table.find(name);
  return it == table.end() ? Keyword::kUnknown : it->second;
}

uint8_t TypeNamed(const std::string& name) {
  if (name == "null") return kNullType;
  if (name == "boolean") return kBooleanType;
  if (name == "integer") return kIntegerType;
  if (name == "number") return kIntegerType | kFractionType;
  if (name == "string") return kStringType;
  if (name == "object") return kObjectType;
  if (name == "array") return kArrayType;
  return 0;
}

// Keywords whose verdict on members depends on what other keywords looked at.
bool HasApplicators(const Json& schema) {
  for (const char* key : {"$ref", "allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas",
                          "dependencies", "$dynamicRef", "contains"}) {
    if (schema.contains(key)) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<Facts>> SchemaCompiler::Expand(const Conjunction& conjunction) {
  Facts facts;
  for (const Term& term : conjunction) {
    std::vector<Term> ancestors;
    HEARTH_CHECK_OK(Collect(facts, term, ancestors));
  }
  return ExpandFrom(std::move(facts));
}

Result<std::vector<Facts>> SchemaCompiler::ExpandFrom(Facts start) {
  std::vector<Facts> done, todo;
  todo.push_back(std::move(start));
  while (!todo.empty()) {
    Facts facts = std::move(todo.back());
    todo.pop_back();
    if (facts.types == 0) continue;
    if (facts.choices.empty()) {
      done.push_back(std::move(facts));
      continue;
    }
    if (!Spend(20 + (facts.choices.size() + facts.visited.size()) / 8)) return OverBudget();
    if (done.size() + todo.size() > kMaxAlternatives) {
      return MakeError(ErrorCode::kResourceExhausted, "over ", kMaxAlternatives,
                       " combinations of anyOf, oneOf, if and dependencies in one place");
    }
    const Choice choice = std::move(facts.choices.front());
    facts.choices.erase(facts.choices.begin());
    for (size_t i = choice.branches.size(); i-- > 0;) {  // the first branch is expanded first
      Facts branch = facts;
      for (const Term& term : choice.branches[i]) {
        std::vector<Term> ancestors = choice.ancestors;
        HEARTH_CHECK_OK(Collect(branch, term, ancestors));
      }
      todo.push_back(std::move(branch));
    }
  }
  return done;
}

Status SchemaCompiler::Collect(Facts& facts, Term term, std::vector<Term>& ancestors) {
  const Json& schema = *term.schema;
  if (schema.is_boolean()) {
    if (IsFalse(schema)) facts.types = 0;
    return {};
  }
  if (!schema.is_object()) {
    return At(term, "", ErrorCode::kInvalidArgument,
              "a schema must be an object or a boolean, not this");
  }
  if (std::find(ancestors.begin(), ancestors.end(), term) != ancestors.end()) {
    return At(term, "", ErrorCode::kInvalidArgument,
              "cyclic $ref: the schema refers to itself in place");
  }
  if (std::find(facts.visited.begin(), facts.visited.end(), term) != facts.visited.end()) return {};
  if (ancestors.size() > 200 || !Spend(1 + schema.size() / 4 + facts.visited.size() / 64)) {
    return At(term, "", ErrorCode::kResourceExhausted, "schema too large or too deeply nested");
  }
  facts.visited.push_back(term);
  if (const Json* id = Member(schema, "$id");
      id != nullptr && id->is_string() && !id->get_ref<const std::string&>().empty() &&
      id->get_ref<const std::string&>()[0] != '#' && term.schema != term.resource) {
    term.resource = term.schema;
  }
  ancestors.push_back(term);
  for (auto it = schema.begin(); it != schema.end(); ++it) {
    HEARTH_CHECK_OK(CollectKeyword(facts, term, it.key(), *it, ancestors));
  }
  ancestors.pop_back();
  return {};
}

Status SchemaCompiler::CollectKeyword(Facts& facts, Term term, const std::string& key,
                                      const Json& value, std::vector<Term>& ancestors) {
  const Json& schema = *term.schema;
  const auto invalid = [&](const std::string& wanted) {
    return At(term, key, ErrorCode::kInvalidArgument, key + " must be " + wanted);
  };
  const auto unsupported = [&](const std::string& why) {
    return At(term, key, ErrorCode::kUnsupported, "unsupported: " + key + why);
  };
  const auto count_of = [](const Json& value, uint32_t& out) {
    const auto number = NumberOf(value);
    if (!number || number->negative || !number->IsInteger()) return false;
    constexpr uint32_t kMost = UINT32_MAX - 2;
    constexpr size_t kDigits = 10;
    const uint64_t n = number->whole.size() > kDigits ? kMost : std::stoull(number->whole);
    out = static_cast<uint32_t>(std::min<uint64_t>(n, kMost));
    return true;
  };
  const auto at_least = [&](uint32_t& bound) {
    uint32_t n = 0;
    if (!count_of(value, n)) return false;
    bound = std::max(bound, n);
    return true;
  };
  const auto at_most = [&](uint32_t& bound) {
    uint32_t n = 0;
    if (!count_of(value, n)) return false;
    bound = std::min(bound, n);
    return true;
  };
  switch (KeywordOf(key)) {
    case Keyword::kAnnotation:
    case Keyword::kHandledElsewhere:
      return {};
    case Keyword::kUnsupported:
      return unsupported("");
    case Keyword::kUnknown:
      Note("keyword \"" + key + "\" is not part of JSON Schema and was ignored");
      return {};
    case Keyword::kRef: {
      if (!value.is_string()) return invalid("a string");
      HEARTH_TRY(const Term target, Resolve(term, value.get_ref<const std::string&>()));
      return Collect(facts, target, ancestors);
    }
    case Keyword::kAllOf:
      if (!value.is_array()) return invalid("an array of schemas");
      for (const Json& part : value) {
        HEARTH_CHECK_OK(Collect(facts, {&part, term.resource}, ancestors));
      }
      return {};
    case Keyword::kAnyOf: {
      if (!value.is_array()) return invalid("an array of schemas");
      Choice choice{{}, ancestors};
      for (const Json& part : value) {
        if (IsTrue(part)) return {};
        choice.branches.push_back({{&part, term.resource}});
      }
      facts.choices.push_back(std::move(choice));
      return {};
    }
    case Keyword::kOneOf:
      if (!value.is_array()) return invalid("an array of schemas");
      return CollectOneOf(facts, term, value, ancestors);
    case Keyword::kNot: {
      HEARTH_TRY(const Json* negated, Negate({&value, term.resource}, 0));
      return Collect(facts, {negated, term.resource}, ancestors);
    }
    case Keyword::kIf:
      return CollectConditional(facts, term, ancestors);
    case Keyword::kType: {
      uint8_t types = 0;
      const auto add = [&](const Json& name) {
        const uint8_t bit = name.is_string() ? TypeNamed(name.get_ref<const std::string&>()) : 0;
        types |= bit;
        return bit != 0;
      };
      if (value.is_array()) {
        for (const Json& name : value) {
          if (!add(name)) return invalid("a type name or an array of them");
        }
      } else if (!add(value)) {
        return invalid("a type name or an array of them");
      }
      facts.types &= types;
      return {};
    }
    case Keyword::kTypes:
      facts.types &= value.get<uint8_t>();
      return {};
    case Keyword::kConst:
    case Keyword::kEnum: {
      if (key == "enum" && !value.is_array()) return invalid("an array");
      std::vector<const Json*> values;
      if (key == "enum") {
        for (const Json& v : value) values.push_back(&v);
      } else {
        values.push_back(&value);
      }
      if (facts.literals) {
        if (!Spend(facts.literals->size() * values.size() / 8)) return OverBudget();
        std::erase_if(*facts.literals, [&](const Json* known) {
          return std::none_of(values.begin(), values.end(),
                              [&](const Json* v) { return *v == *known; });
        });
      } else {
        facts.literals = std::move(values);
      }
      uint8_t types = 0;
      for (const Json* v : *facts.literals) {
        types |= v->is_null()      ? kNullType
                 : v->is_boolean() ? kBooleanType
                 : v->is_string()  ? kStringType
                 : v->is_object()  ? kObjectType
                 : v->is_array()   ? kArrayType
                                   : kIntegerType | kFractionType;
      }
      facts.types &= types;
      return {};
    }
    case Keyword::kMinimum:
    case Keyword::kMaximum:
    case Keyword::kExclusiveMinimum:
    case Keyword::kExclusiveMaximum: {
      const bool low = key == "minimum" || key == "exclusiveMinimum";
      bool open = key[0] == 'e';
      if (value.is_boolean() && open) return {};  // draft 4: read with the bound itself
      if (!IsNumber(value)) return invalid("a number");
      const auto bound = NumberOf(value);
      if (!bound) return unsupported(" with so many digits");
      if (!open) {
        const Json* flag = Member(schema, low ? "exclusiveMinimum" : "exclusiveMaximum");
        open = flag != nullptr && flag->is_boolean() && flag->get<bool>();
      }
      auto& known = low ? facts.number.low : facts.number.high;
      bool& known_open = low ? facts.number.low_open : facts.number.high_open;
      const auto order = known ? *bound <=> *known : std::strong_ordering::equal;
      if (!known || (low ? order > 0 : order < 0)) {
        known = bound;
        known_open = open;
      } else if (order == 0) {
        known_open = known_open || open;
      }
      return {};
    }
    case Keyword::kMultipleOf: {
      if (!IsNumber(value)) return invalid("a number greater than 0");
      const auto step = NumberOf(value);
      if (!step) return unsupported(" with so many digits");
      if (step->negative || step->IsZero()) return invalid("a number greater than 0");
      facts.steps.push_back(*step);
      return {};
    }
    case Keyword::kMinLength:
      return at_least(facts.min_length) ? Status() : invalid("a count");
    case Keyword::kMaxLength:
      return at_most(facts.max_length) ? Status() : invalid("a count");
    case Keyword::kPattern: {
      if (!value.is_string()) return invalid("a string");
      HEARTH_TRY(const ExprId language,
                 Pattern(value.get_ref<const std::string&>(), term, "pattern"));
      facts.languages.push_back(language);
      return {};
    }
    case Keyword::kFormat: {
      if (!value.is_string()) return invalid("a string");
      const std::string& name = value.get_ref<const std::string&>();
      const bool narrowed = schema.contains("pattern");
      const auto [known, fresh] = formats_.try_emplace({name, narrowed});
      if (fresh) known->second = FormatLanguage(name, narrowed, *store_);
      if (const auto language = known->second) {
        facts.languages.push_back(*language);
      } else {
        Note("format \"" + name + "\" is unknown and was ignored");
      }
      return {};
    }
    case Keyword::kNotPattern: {
      HEARTH_TRY(const ExprId language,
                 Pattern(value.get_ref<const std::string&>(), term, "pattern"));
      facts.languages.push_back(store_->Not(language));
      return {};
    }
    case Keyword::kNotStrings: {
      std::vector<std::u32string> strings;
      for (const Json& v : value) {
        std::u32string text;
        if (!DecodeUtf8(v.get_ref<const std::string&>(), text)) continue;
        strings.push_back(std::move(text));
      }
      facts.languages.push_back(store_->Not(store_->Literals(std::move(strings))));
      return {};
    }
    case Keyword::kProperties: {
      if (!value.is_object() && key != "additionalProperties")
        return invalid("an object of schemas");
      // The three keywords of one schema act together: whichever comes first brings them all.
      for (const ObjectGroup& g : facts.object_groups) {
        if ((g.properties != nullptr && g.properties == Member(schema, "properties")) ||
            (g.patterns != nullptr && g.patterns == Member(schema, "patternProperties")) ||
            (g.additional != nullptr && g.additional == Member(schema, "additionalProperties"))) {
          return {};
        }
      }
      const auto object = [&](const char* name) -> const Json* {
        const Json* m = Member(schema, name);
        return m != nullptr && m->is_object() ? m : nullptr;
      };
      facts.object_groups.push_back({object("properties"), object("patternProperties"),
                                     Member(schema, "additionalProperties"), term.resource});
      return {};
    }
    case Keyword::kUnevaluatedProperties:
    case Keyword::kUnevaluatedItems: {
      if (IsTrue(value)) return {};
      const bool object = key == "unevaluatedProperties";
      const char* rest = object ? "additionalProperties" : "items";
      // Where nothing else in this place looks at members, it says what `rest` would say.
      if (HasApplicators(schema) || ancestors.size() > 1)
        return unsupported(" beside other schemas");
      if (schema.contains(rest)) return {};
      if (object) {
        facts.object_groups.push_back({Member(schema, "properties"),
                                       Member(schema, "patternProperties"), &value, term.resource});
      } else {
        facts.array_groups.push_back({Member(schema, "prefixItems"), &value, term.resource});
      }
      return {};
    }
    case Keyword::kRequired:
    case Keyword::kAbsent: {
      if (value.is_boolean()) {  // draft 3, on the property itself
        Note("boolean \"required\" is not part of JSON Schema and was ignored");
        return {};
      }
      if (!value.is_array()) return invalid("an array of strings");
      auto& names = key == "required" ? facts.required : facts.absent;
      if (!Spend(value.size() * (names.size() + value.size()) / 64)) return OverBudget();
      for (const Json& name : value) {
        if (!name.is_string()) return invalid("an array of strings");
        const std::string& text = name.get_ref<const std::string&>();
        if (std::find(names.begin(), names.end(), text) == names.end()) names.push_back(text);
      }
      return {};
    }
    case Keyword::kMinProperties:
      return at_least(facts.min_properties) ? Status() : invalid("a count");
    case Keyword::kMaxProperties:
      return at_most(facts.max_properties) ? Status() : invalid("a count");
    case Keyword::kPropertyNames:
      facts.property_names.push_back({&value, term.resource});
      return {};
    case Keyword::kDependentRequired:
    case Keyword::kDependentSchemas:
    case Keyword::kDependencies:
      if (!value.is_object()) return invalid("an object");
      return CollectDependencies(facts, term, value, ancestors);
    case Keyword::kItems: {
      const Json* prefix = Member(schema, "prefixItems");
      const Json* rest = Member(schema, "items");
      if (rest != nullptr && rest->is_array()) {  // up to 2019-09
        prefix = rest;
        rest = Member(schema, "additionalItems");
      }
      if (prefix != nullptr && !prefix->is_array()) return invalid("an array of schemas");
      if (key == "prefixItems" && schema.contains("items")) return {};  // taken with `items`
      facts.array_groups.push_back({prefix, rest, term.resource});
      return {};
    }
    case Keyword::kMinItems:
      return at_least(facts.min_items) ? Status() : invalid("a count");
    case Keyword::kMaxItems:
      return at_most(facts.max_items) ? Status() : invalid("a count");
    case Keyword::kUniqueItems:
      if (!value.is_boolean()) return invalid("true or false");
      facts.unique = facts.unique || value.get<bool>();
      return {};
    case Keyword::kContains: {
      Contains contains{{&value, term.resource}};
      for (const auto& [name, bound] :
           {std::pair{"minContains", &contains.min}, std::pair{"maxContains", &contains.max}}) {
        const Json* limit = Member(schema, name);
        if (limit == nullptr) continue;
        if (!count_of(*limit, *bound)) {
          return At(term, name, ErrorCode::kInvalidArgument,
                    std::string(name) + " must be a count");
        }
      }
      if (contains.min > 0 || contains.max != UINT32_MAX) facts.contains.push_back(contains);
      return {};
    }
  }
  return {};
}

Result<ExprId> SchemaCompiler::Pattern(const std::string& pattern, Term at, const char* keyword) {
  if (const auto it = patterns_.find(pattern); it != patterns_.end()) return it->second;
  auto language = ParseEcmaRegex(pattern, *store_);
  if (!language)
    return At(at, keyword, language.error().code, "unsupported: " + language.error().message);
  patterns_[pattern] = *language;
  return *language;
}

}  // namespace hearth::grammar
