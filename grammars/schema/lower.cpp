// Facts to nodes: scalars. Arrays and objects have files of their own.
#include <algorithm>
#include <numeric>

#include "grammars/regex/ecma_regex.h"
#include "grammars/schema/json_text.h"
#include "grammars/schema/schema_compiler.h"

namespace hearth::grammar {

namespace {

void AppendEscaped(CodePoint c, bool ascii, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto unit = [&](uint32_t v) {
    static const char* kHex = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kHex[v >> shift & 15];
  };
  if (c >= 0x20 && (c < 0x7f || !ascii)) {
    AppendUtf8(c, out);
  } else if (c < 0x10000) {
    unit(c);
  } else {
    unit(0xd800 + ((c - 0x10000) >> 10));
    unit(0xdc00 + ((c - 0x10000) & 0x3ff));
  }
}

}  // namespace

std::vector<std::string> Spellings(const std::string& utf8) {
  const auto as_is = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  if (std::all_of(utf8.begin(), utf8.end(), as_is)) return {'"' + utf8 + '"'};
  std::u32string text;
  if (!DecodeUtf8(utf8, text)) return {};
  std::vector<std::string> out;
  for (const bool ascii : {false, true}) {
    std::string spelled = "\"";
    for (const char32_t c : text) AppendEscaped(c, ascii, spelled);
    spelled += '"';
    if (out.empty() || spelled != out[0]) out.push_back(std::move(spelled));
  }
  return out;
}

NodeIndex SchemaCompiler::NodeFor(Conjunction conjunction) {
  const auto it = nodes_.find(conjunction);
  if (it != nodes_.end()) return it->second;
  program_->nodes.push_back({});
  const auto node = static_cast<NodeIndex>(program_->nodes.size() - 1);
  nodes_.emplace(conjunction, node);
  queue_.emplace_back(std::move(conjunction), node);
  return node;
}

Status SchemaCompiler::Lower(const Conjunction& conjunction, NodeIndex node) {
  HEARTH_TRY(const std::vector<Facts> ways, Expand(conjunction));
  std::vector<NodeIndex> parts;
  std::vector<std::pair<std::string, uint32_t>> scalars;
  for (const Facts& facts : ways) HEARTH_CHECK_OK(LowerFacts(facts, parts, scalars));
  if (!scalars.empty()) parts.push_back(AddLiterals(std::move(scalars)));
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  if (parts.size() == 1) {
    program_->nodes[node] = program_->nodes[parts[0]];
  } else if (!parts.empty()) {
    const NodeIndex choice = AddChoice(parts);
    program_->nodes[node] = program_->nodes[choice];
  }
  return {};
}

Status SchemaCompiler::LowerFacts(const Facts& facts, std::vector<NodeIndex>& parts,
                                  std::vector<std::pair<std::string, uint32_t>>& scalars) {
  if (!Spend(3)) return OverBudget();
  if (facts.literals) return LowerLiterals(facts, parts, scalars);
  if (facts.types & kNullType) scalars.emplace_back("null", 0);
  if (facts.types & kBooleanType) {
    scalars.emplace_back("true", 0);
    scalars.emplace_back("false", 0);
  }
  if (facts.types & (kIntegerType | kFractionType)) HEARTH_CHECK_OK(LowerNumber(facts, parts));
  if (facts.types & kStringType) HEARTH_CHECK_OK(LowerString(facts, parts));
  if (facts.types & kArrayType) HEARTH_CHECK_OK(LowerArray(facts, parts));
  if (facts.types & kObjectType) HEARTH_CHECK_OK(LowerObject(facts, parts));
  return {};
}

Status SchemaCompiler::LowerLiterals(const Facts& facts, std::vector<NodeIndex>& parts,
                                     std::vector<std::pair<std::string, uint32_t>>& scalars) {
  std::optional<Facts> others;  // everything else that is said
  for (const Json* value : *facts.literals) {
    HEARTH_TRY(const bool fits, ValueFits(*value, facts));
    if (!fits) continue;
    if (!Spend(1)) return OverBudget();
    if (value->is_string()) {
      for (std::string& s : Spellings(value->get_ref<const std::string&>())) {
        scalars.emplace_back(std::move(s), 0);
      }
    } else if (IsNumber(*value)) {
      const auto number = NumberOf(*value);
      scalars.emplace_back(number->ToString(), 0);
      if (number->IsInteger() && !options_.plain_integers)
        scalars.emplace_back(number->ToString() + ".0", 0);
    } else if (!value->is_structured()) {
      scalars.emplace_back(value->dump(), 0);
    } else {
      // An array or object value is a schema that admits nothing else, merged with everything said.
      Json exact;
      if (value->is_array()) {
        Json items = Json::array();
        for (const Json& item : *value) items.push_back({{"const", item}});
        exact = {{kTypesKey, kArrayType},
                 {"prefixItems", std::move(items)},
                 {"items", false},
                 {"minItems", value->size()}};
      } else {
        Json properties = Json::object(), names = Json::array();
        for (auto it = value->begin(); it != value->end(); ++it) {
          properties[it.key()] = {{"const", *it}};
          names.push_back(it.key());
        }
        exact = {{kTypesKey, kObjectType},
                 {"properties", std::move(properties)},
                 {"required", std::move(names)},
                 {"additionalProperties", false}};
      }
      if (!others) {
        others = facts;
        others->literals.reset();
        others->any_order = true;
      }
      Facts merged = *others;
      // What the value looks like comes first, so its own order of keys counts.
      const auto groups = std::move(merged.object_groups);
      merged.object_groups.clear();
      const Json* owned = Own(std::move(exact));
      std::vector<Term> ancestors;
      HEARTH_CHECK_OK(Collect(merged, {owned, owned}, ancestors));
      merged.object_groups.insert(merged.object_groups.end(), groups.begin(), groups.end());
      HEARTH_CHECK_OK(LowerFacts(merged, parts, scalars));
    }
  }
  return {};
}

Result<NumberRange> SchemaCompiler::RangeOf(const Facts& facts) {
  NumberRange range = facts.number;
  range.integer = (facts.types & kFractionType) == 0;
  range.fraction = (facts.types & kIntegerType) == 0;
  range.plain = range.integer && options_.plain_integers;
  // Several steps are one: the least common multiple, at the finest scale.
  for (const Decimal& step : facts.steps) {
    range.scale = std::max(range.scale, static_cast<uint32_t>(step.fraction.size()));
  }
  for (const Decimal& step : facts.steps) {
    std::string digits = step.whole + step.fraction;
    digits.append(range.scale - step.fraction.size(), '0');
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
    if (digits.size() > 17) {
      return MakeError(ErrorCode::kUnsupported, "unsupported: multipleOf with so many digits");
    }
    const uint64_t value = std::stoull(digits);
    const auto both = static_cast<unsigned __int128>(range.step == 0 ? 1 : range.step) *
                      (value / (range.step == 0 ? 1 : std::gcd(range.step, value)));
    if (both > 1'000'000'000'000'000) {
      return MakeError(ErrorCode::kUnsupported, "unsupported: multipleOf with so many digits");
    }
    range.step = static_cast<uint64_t>(both);
  }
  return range;
}

namespace {
// Most numbers have no bounds; their automata are built once.
const ByteDfa& UnboundedNumbers(const NumberRange& range) {
  const auto build = [](bool integer, bool fraction, bool plain) {
    return *BuildNumberAutomaton({.integer = integer, .fraction = fraction, .plain = plain});
  };
  if (range.plain) {
    static const ByteDfa plain = build(true, false, true);
    return plain;
  }
  if (range.integer) {
    static const ByteDfa integers = build(true, false, false);
    return integers;
  }
  if (range.fraction) {
    static const ByteDfa fractions = build(false, true, false);
    return fractions;
  }
  static const ByteDfa numbers = build(false, false, false);
  return numbers;
}
}  // namespace

Status SchemaCompiler::LowerNumber(const Facts& facts, std::vector<NodeIndex>& parts) {
  HEARTH_TRY(const NumberRange range, RangeOf(facts));
  std::string key = range.integer ? range.plain ? "p" : "i" : range.fraction ? "f" : "n";
  if (range.low) key += (range.low_open ? ">" : "]") + range.low->ToString();
  if (range.high) key += (range.high_open ? "<" : "[") + range.high->ToString();
  if (range.step != 0) key += "%" + std::to_string(range.step) + "e" + std::to_string(range.scale);
  if (const auto it = numbers_.find(key); it != numbers_.end()) {
    parts.push_back(it->second);
    return {};
  }
  ByteDfa dfa;
  if (range.unbounded()) {
    dfa = UnboundedNumbers(range);
  } else {
    HEARTH_TRY(dfa, BuildNumberAutomaton(range));
  }
  Node node{.kind = NodeKind::kNever};
  if (!dfa.next.empty()) {
    program_->automata.push_back(std::move(dfa));
    node = {.kind = NodeKind::kBytes, .a = static_cast<uint32_t>(program_->automata.size() - 1)};
  }
  program_->nodes.push_back(node);
  parts.push_back(numbers_[key] = static_cast<NodeIndex>(program_->nodes.size() - 1));
  return {};
}

Status SchemaCompiler::LowerString(const Facts& facts, std::vector<NodeIndex>& parts) {
  const ExprId language = store_->And(facts.languages);
  parts.push_back(AddString(language, facts.min_length,
                            facts.max_length == UINT32_MAX ? kNoLimit : facts.max_length, false));
  return {};
}

Result<ExprId> SchemaCompiler::ListedStrings(const Facts& facts) {
  std::vector<std::u32string> values;
  for (const Json* value : *facts.literals) {
    HEARTH_TRY(const bool fits, ValueFits(*value, facts));
    std::u32string text;
    if (!fits || !value->is_string() || !DecodeUtf8(value->get_ref<const std::string&>(), text))
      continue;
    values.push_back(std::move(text));
  }
  return store_->Literals(std::move(values));
}

// The strings that satisfy a conjunction, as a language (for propertyNames).
Result<ExprId> SchemaCompiler::KeyLanguage(const Conjunction& conjunction) {
  HEARTH_TRY(const std::vector<Facts> ways, Expand(conjunction));
  std::vector<ExprId> alternatives;
  for (const Facts& facts : ways) {
    if ((facts.types & kStringType) == 0) continue;
    if (facts.literals) {
      HEARTH_TRY(const ExprId listed, ListedStrings(facts));
      alternatives.push_back(listed);
      continue;
    }
    std::vector<ExprId> all = facts.languages;
    all.push_back(store_->Repeat(store_->AnyChar(), facts.min_length, facts.max_length));
    alternatives.push_back(store_->And(std::move(all)));
  }
  return store_->Alt(std::move(alternatives));
}

Result<NodeIndex> SchemaCompiler::AddBareStrings(Json schema, const std::vector<std::string>& stops,
                                                 const Json* within) {
  HEARTH_TRY(const Term whole, Begin(std::move(schema), within));
  HEARTH_TRY(const std::vector<Facts> ways, Expand(Normalized({whole})));
  std::vector<ExprId> clear;  // of the stops
  for (const std::string& stop : stops) {
    std::u32string text;
    if (stop.empty() || !DecodeUtf8(stop, text)) continue;
    clear.push_back(store_->Not(store_->Concat(
        ExpressionStore::kAll, store_->Concat(store_->Literal(text), ExpressionStore::kAll))));
  }
  std::vector<NodeIndex> parts;
  for (const Facts& facts : ways) {
    if ((facts.types & kStringType) == 0) continue;
    if (!Spend(3)) return OverBudget();
    const bool any = !facts.literals && facts.languages.empty() && facts.min_length == 0 &&
                     facts.max_length == UINT32_MAX;
    if (any) return AddTextUntil(stops);  // the automaton over bytes is the cheaper one
    std::vector<ExprId> all = clear;
    if (facts.literals) {
      HEARTH_TRY(const ExprId listed, ListedStrings(facts));
      all.push_back(listed);
      parts.push_back(AddText(store_->And(std::move(all))));
    } else {
      all.insert(all.end(), facts.languages.begin(), facts.languages.end());
      parts.push_back(AddText(store_->And(std::move(all)), facts.min_length,
                              facts.max_length == UINT32_MAX ? kNoLimit : facts.max_length));
    }
  }
  return AddChoice(parts);
}

}  // namespace hearth::grammar
