// Negation: from a schema, one that holds exactly where it does not. What can be said with keywords
// (and a few of our own) is; the rest is refused.
#include "grammars/schema/formats.h"
#include "grammars/schema/json_text.h"
#include "grammars/schema/schema_compiler.h"

namespace hearth::grammar {

namespace {

constexpr int kMaxNegationDepth = 12;

Json Typed(uint8_t types) { return {{kTypesKey, types}}; }

// The schema that excludes one value; null where there is none.
Json Except(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return Typed(kAllTypes & ~kNullType);
    case Json::value_t::boolean:
      return {{"anyOf", {Typed(kAllTypes & ~kBooleanType), {{"const", !value.get<bool>()}}}}};
    case Json::value_t::string:
      return {{kNotStringsKey, Json::array({value})}};
    case Json::value_t::array:
      if (value.empty()) return {{"minItems", 1}};
      return nullptr;
    case Json::value_t::object:
      if (value.empty()) return {{"minProperties", 1}};
      return nullptr;
    default: {
      const uint8_t number = kIntegerType | kFractionType;
      return {{"anyOf",
               {Typed(kAllTypes & ~number),
                {{kTypesKey, number}, {"exclusiveMinimum", value}},
                {{kTypesKey, number}, {"exclusiveMaximum", value}}}}};
    }
  }
}

}  // namespace

Result<const Json*> SchemaCompiler::Negate(Term term, int depth) {
  if (const auto it = negated_.find(term.schema); it != negated_.end()) return it->second;
  HEARTH_TRY(Json negated, NegateJson(term, depth));
  return negated_[term.schema] = Own(std::move(negated));
}

Result<Json> SchemaCompiler::NegateJson(Term term, int depth) {
  const Json& schema = *term.schema;
  if (schema.is_boolean()) return Json(!schema.get<bool>());
  if (!schema.is_object()) {
    return At(term, "", ErrorCode::kInvalidArgument,
              "a schema must be an object or a boolean, not this");
  }
  if (depth > kMaxNegationDepth || !Spend(10)) {
    return At(term, "", ErrorCode::kUnsupported, "unsupported: the negation of a schema this deep");
  }
  Json ways = Json::array();  // each way to fail one keyword
  const uint8_t number = kIntegerType | kFractionType;
  for (auto it = schema.begin(); it != schema.end(); ++it) {
    const std::string& key = it.key();
    const Json& value = *it;
    const auto refuse = [&] {
      return At(term, key, ErrorCode::kUnsupported, "unsupported: the negation of " + key);
    };
    const auto all_of_negations = [&](const Json& parts) -> Result<Json> {
      Json all = Json::array();
      for (const Json& part : parts) {
        HEARTH_TRY(Json negated, NegateJson({&part, term.resource}, depth + 1));
        all.push_back(std::move(negated));
      }
      return Json{{"allOf", std::move(all)}};
    };
    if (key == "$ref") {
      if (!value.is_string()) return refuse();
      HEARTH_TRY(const Term target, Resolve(term, value.get_ref<const std::string&>()));
      HEARTH_TRY(Json negated, NegateJson(target, depth + 1));
      ways.push_back(std::move(negated));
    } else if (key == "type") {
      Facts facts;
      std::vector<Term> none;
      HEARTH_CHECK_OK(CollectKeyword(facts, term, key, value, none));
      ways.push_back(Typed(static_cast<uint8_t>(kAllTypes & ~facts.types)));
    } else if (key == kTypesKey) {
      ways.push_back(Typed(static_cast<uint8_t>(kAllTypes & ~value.get<uint8_t>())));
    } else if (key == "const" || key == "enum") {
      Json all = Json::array(), strings = Json::array();
      const Json one = Json::array({value});
      for (const Json& v : key == "const" ? one : value) {
        if (v.is_string()) {
          strings.push_back(v);
          continue;
        }
        Json except = Except(v);
        if (except.is_null()) return refuse();
        all.push_back(std::move(except));
      }
      if (!strings.empty()) all.push_back({{kNotStringsKey, std::move(strings)}});
      ways.push_back({{"allOf", std::move(all)}});
    } else if (key == "not") {
      ways.push_back(value);
    } else if (key == "anyOf") {
      HEARTH_TRY(Json all, all_of_negations(value));
      ways.push_back(std::move(all));
    } else if (key == "allOf") {
      for (const Json& part : value) {
        HEARTH_TRY(Json negated, NegateJson({&part, term.resource}, depth + 1));
        ways.push_back(std::move(negated));
      }
    } else if (key == "required") {
      if (!value.is_array()) return refuse();
      for (const Json& name : value) {
        ways.push_back({{kTypesKey, kObjectType}, {kAbsentKey, Json::array({name})}});
      }
    } else if (key == kAbsentKey) {
      ways.push_back({{kTypesKey, kObjectType}, {"required", value}});
    } else if (key == "properties") {
      if (!value.is_object()) return refuse();
      for (auto p = value.begin(); p != value.end(); ++p) {
        HEARTH_TRY(Json negated, NegateJson({&*p, term.resource}, depth + 1));
        if (IsFalse(negated)) continue;
        ways.push_back({{kTypesKey, kObjectType},
                        {"required", Json::array({p.key()})},
                        {"properties", {{p.key(), std::move(negated)}}}});
      }
    } else if (key == "minimum" && IsNumber(value) && !schema.contains("exclusiveMinimum")) {
      ways.push_back({{kTypesKey, number}, {"exclusiveMaximum", value}});
    } else if (key == "maximum" && IsNumber(value) && !schema.contains("exclusiveMaximum")) {
      ways.push_back({{kTypesKey, number}, {"exclusiveMinimum", value}});
    } else if (key == "exclusiveMinimum" && IsNumber(value)) {
      ways.push_back({{kTypesKey, number}, {"maximum", value}});
    } else if (key == "exclusiveMaximum" && IsNumber(value)) {
      ways.push_back({{kTypesKey, number}, {"minimum", value}});
    } else if (key == "minLength" || key == "minItems" || key == "minProperties") {
      if (!(value.is_number_integer() && value.get<int64_t>() >= 0)) return refuse();
      const uint64_t n = value.get<uint64_t>();
      const uint8_t type = key == "minLength"  ? kStringType
                           : key == "minItems" ? kArrayType
                                               : kObjectType;
      if (n > 0) ways.push_back({{kTypesKey, type}, {"max" + key.substr(3), n - 1}});
    } else if (key == "maxLength" || key == "maxItems" || key == "maxProperties") {
      if (!(value.is_number_integer() && value.get<int64_t>() >= 0)) return refuse();
      const uint8_t type = key == "maxLength"  ? kStringType
                           : key == "maxItems" ? kArrayType
                                               : kObjectType;
      ways.push_back({{kTypesKey, type}, {"min" + key.substr(3), value.get<uint64_t>() + 1}});
    } else if (key == "pattern") {
      if (!value.is_string()) return refuse();
      ways.push_back({{kTypesKey, kStringType}, {kNotPatternKey, value}});
    } else if (key == kNotPatternKey) {
      ways.push_back({{kTypesKey, kStringType}, {"pattern", value}});
    } else if (key == kNotStringsKey) {
      ways.push_back({{"enum", value}});
    } else if (key == "items" && !value.is_array() && !schema.contains("prefixItems")) {
      HEARTH_TRY(Json negated, NegateJson({&value, term.resource}, depth + 1));
      ways.push_back({{kTypesKey, kArrayType}, {"contains", std::move(negated)}});
    } else if (key == "contains" && !schema.contains("minContains") &&
               !schema.contains("maxContains")) {
      HEARTH_TRY(Json negated, NegateJson({&value, term.resource}, depth + 1));
      ways.push_back({{kTypesKey, kArrayType}, {"items", std::move(negated)}});
    } else if (key == "additionalProperties" && IsTrue(value)) {
    } else if (key == "format" && value.is_string() &&
               !FormatLanguage(value.get_ref<const std::string&>(), true, *store_)) {
      Note("format \"" + value.get_ref<const std::string&>() + "\" is unknown and was ignored");
    } else {
      static const std::set<std::string> annotations = {
          "title",    "description", "default",    "examples", "example", "$comment",
          "readOnly", "writeOnly",   "deprecated", "$schema",  "$id",     "id",
          "$defs",    "definitions", "$anchor",    "then",     "else"};
      if (!annotations.contains(key)) return refuse();
    }
  }
  if (schema.contains("if") && (schema.contains("then") || schema.contains("else"))) {
    return At(term, "if", ErrorCode::kUnsupported, "unsupported: the negation of if");
  }
  if (ways.empty()) return Json(false);
  if (ways.size() == 1) return std::move(ways[0]);
  return Json{{"anyOf", std::move(ways)}};
}

}  // namespace hearth::grammar
