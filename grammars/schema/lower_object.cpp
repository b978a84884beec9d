#include <algorithm>

#include "grammars/regex/ecma_regex.h"
#include "grammars/schema/schema_compiler.h"

namespace hearth::grammar {

namespace {

constexpr size_t kMaxProperties = 30'000;
constexpr uint32_t kMaxCount = 60'000;
constexpr size_t kMaxKeyClasses = 128;
constexpr size_t kMaxAnyOrder = 64;

bool HasFalse(const Conjunction& c) {
  return std::any_of(c.begin(), c.end(), [](const Term& t) {
    return t.schema->is_boolean() && !t.schema->get<bool>();
  });
}

}  // namespace

// Everything that is said about the property of this name; nothing where it may not occur.
Result<std::optional<Conjunction>> SchemaCompiler::PropertyConjunction(const Facts& facts,
                                                                       const std::string& name) {
  if (std::find(facts.absent.begin(), facts.absent.end(), name) != facts.absent.end()) {
    return std::optional<Conjunction>();
  }
  std::u32string text;
  if (!DecodeUtf8(name, text)) return std::optional<Conjunction>();
  Conjunction value;
  for (const ObjectGroup& g : facts.object_groups) {
    bool known = false;
    if (g.properties != nullptr) {
      if (!Spend(1 + g.properties->size() / 16)) return OverBudget();
      if (const auto it = g.properties->find(name); it != g.properties->end()) {
        value.push_back({&*it, g.resource});
        known = true;
      }
    }
    if (g.patterns != nullptr) {
      for (auto it = g.patterns->begin(); it != g.patterns->end(); ++it) {
        HEARTH_TRY(const ExprId pattern,
                   Pattern(it.key(), {g.patterns, g.resource}, it.key().c_str()));
        if (!store_->Matches(pattern, text)) continue;
        value.push_back({&*it, g.resource});
        known = true;
      }
    }
    if (!known && g.additional != nullptr) value.push_back({g.additional, g.resource});
  }
  if (HasFalse(value)) return std::optional<Conjunction>();
  return std::optional(Normalized(std::move(value)));
}

// The keys that are not declared, cut into classes so that all of one class have the same value
// schema.
Result<std::vector<SchemaCompiler::KeyClass>> SchemaCompiler::KeyClasses(
    const Facts& facts, const std::vector<std::string>& names, ExprId names_language) {
  struct Class {
    ExprId language;
    std::vector<std::vector<Term>> matched;  // per group
  };
  struct Cut {
    ExprId language;
    size_t group;
    Term value;
  };
  std::vector<Cut> cuts;
  for (size_t g = 0; g < facts.object_groups.size(); ++g) {
    const ObjectGroup& group = facts.object_groups[g];
    if (group.patterns == nullptr) continue;
    for (auto it = group.patterns->begin(); it != group.patterns->end(); ++it) {
      HEARTH_TRY(const ExprId pattern,
                 Pattern(it.key(), {group.patterns, group.resource}, it.key().c_str()));
      cuts.push_back({pattern, g, {&*it, group.resource}});
    }
  }
  std::vector<std::u32string> declared;
  for (const std::vector<std::string>* list : {&names, &facts.absent}) {
    for (const std::string& name : *list) {
      std::u32string text;
      if (DecodeUtf8(name, text)) declared.push_back(std::move(text));
    }
  }
  const bool closed = std::any_of(
      facts.object_groups.begin(), facts.object_groups.end(),
      [](const ObjectGroup& g) { return g.additional != nullptr && IsFalse(*g.additional); });
  if (cuts.empty() && closed) return std::vector<KeyClass>();
  const ExprId others =
      store_->And({store_->Not(store_->Literals(std::move(declared))), names_language});
  std::vector<Class> classes{{others, std::vector<std::vector<Term>>(facts.object_groups.size())}};
  for (const Cut& cut : cuts) {
    std::vector<Class> next;
    for (Class& c : classes) {
      if (!Spend(20)) return OverBudget();
      const ExprId inside = store_->And({c.language, cut.language});
      if (!store_->IsEmpty(inside)) {
        Class with{inside, c.matched};
        with.matched[cut.group].push_back(cut.value);
        next.push_back(std::move(with));
      }
      const ExprId outside = store_->And({c.language, store_->Not(cut.language)});
      if (!store_->IsEmpty(outside)) next.push_back({outside, std::move(c.matched)});
    }
    classes = std::move(next);
    if (classes.size() > kMaxKeyClasses) {
      return MakeError(ErrorCode::kResourceExhausted,
                       "unsupported: patternProperties that overlap in over ", kMaxKeyClasses,
                       " ways");
    }
  }
  std::map<Conjunction, std::vector<ExprId>> by_value;
  std::vector<Conjunction> order;
  for (Class& c : classes) {
    Conjunction value;
    for (size_t g = 0; g < facts.object_groups.size(); ++g) {
      const ObjectGroup& group = facts.object_groups[g];
      value.insert(value.end(), c.matched[g].begin(), c.matched[g].end());
      if (c.matched[g].empty() && group.additional != nullptr) {
        value.push_back({group.additional, group.resource});
      }
    }
    if (HasFalse(value)) continue;
    value = Normalized(std::move(value));
    auto& languages = by_value[value];
    if (languages.empty()) order.push_back(value);
    languages.push_back(c.language);
  }
  std::vector<KeyClass> out;
  for (Conjunction& value : order) {
    const ExprId language = store_->Alt(by_value[value]);
    if (!store_->IsEmpty(language)) out.push_back({language, std::move(value)});
  }
  return out;
}

Status SchemaCompiler::LowerObject(const Facts& facts, std::vector<NodeIndex>& parts) {
  if (facts.min_properties > facts.max_properties) return {};
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const ObjectGroup& g : facts.object_groups) {
    if (g.properties == nullptr) continue;
    for (auto it = g.properties->begin(); it != g.properties->end(); ++it) {
      if (seen.insert(it.key()).second) names.push_back(it.key());
    }
  }
  const size_t declared = names.size();
  for (const std::string& name : facts.required) {
    if (seen.insert(name).second) names.push_back(name);
  }
  if (names.size() > kMaxProperties || facts.min_properties > kMaxCount) {
    return MakeError(ErrorCode::kResourceExhausted, "an object with over ", kMaxProperties,
                     " properties or a minProperties over ", kMaxCount);
  }
  ExprId names_language = ExpressionStore::kAll;
  for (const Term& term : facts.property_names) {
    HEARTH_TRY(const ExprId language, KeyLanguage(Normalized({term})));
    names_language = store_->And({names_language, language});
  }
  const std::set<std::string> required(facts.required.begin(), facts.required.end());
  ObjectSpec spec;
  std::vector<std::pair<std::string, uint32_t>> keys;
  for (const std::string& name : names) {
    std::u32string text;
    if (!DecodeUtf8(name, text))
      return MakeError(ErrorCode::kInvalidArgument, "a property name is not UTF-8");
    HEARTH_TRY(auto value, PropertyConjunction(facts, name));
    if (names_language != ExpressionStore::kAll && !store_->Matches(names_language, text))
      value.reset();
    if (!value) {
      if (required.contains(name)) return {};  // this way cannot be satisfied
      continue;
    }
    const auto index = static_cast<uint32_t>(spec.properties.size());
    // The opening quote is read before it is known which key comes.
    for (const std::string& spelled : Spellings(name)) keys.emplace_back(spelled.substr(1), index);
    spec.properties.push_back({NodeFor(std::move(*value)), required.contains(name)});
  }
  HEARTH_TRY(const std::vector<KeyClass> classes, KeyClasses(facts, names, names_language));
  for (const KeyClass& c : classes) {
    spec.extras.push_back({AddString(c.language, 0, kNoLimit, true), NodeFor(c.value)});
  }
  spec.min = facts.min_properties;
  spec.max = facts.max_properties >= kMaxCount ? kNoLimit : facts.max_properties;
  // Schemas that are merged say nothing on the order between their properties, and one whose
  // `required` lists them in another order than `properties` says two things; many names in
  // alphabetical order were sorted by a machine. There the order is left open.
  const auto groups = std::count_if(
      facts.object_groups.begin(), facts.object_groups.end(),
      [](const ObjectGroup& g) { return g.properties != nullptr && !g.properties->empty(); });
  std::unordered_map<std::string_view, size_t> places;
  for (const std::string& name : names) places.emplace(name, places.size());
  const auto place = [&](const std::string& name) { return places.at(name); };
  constexpr size_t kMany = 8;
  const bool sorted =
      declared >= kMany &&
      std::is_sorted(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(declared));
  const bool unordered =
      facts.any_order || groups > 1 || names.size() > declared || sorted ||
      !std::is_sorted(facts.required.begin(), facts.required.end(),
                      [&](const auto& x, const auto& y) { return place(x) < place(y); });
  spec.any_order = options_.any_order || (unordered && spec.properties.size() <= kMaxAnyOrder);
  if (spec.any_order && spec.properties.size() > kMaxAnyOrder) {
    return MakeError(ErrorCode::kUnsupported, "unsupported: over ", kMaxAnyOrder,
                     " properties of one object in any order");
  }
  if (facts.max_properties != UINT32_MAX && facts.max_properties >= kMaxCount) {
    return MakeError(ErrorCode::kUnsupported, "unsupported: maxProperties over ", kMaxCount);
  }
  AddLiterals(std::move(keys));
  program_->nodes.pop_back();  // keys are a node of their own kind
  spec.keys = static_cast<uint32_t>(program_->literals.size() - 1);
  const auto object = static_cast<uint32_t>(program_->objects.size());
  program_->nodes.push_back({.kind = NodeKind::kKeys, .a = object});
  spec.keys_node = static_cast<NodeIndex>(program_->nodes.size() - 1);
  program_->objects.push_back(std::move(spec));
  program_->nodes.push_back({.kind = NodeKind::kObject, .a = object});
  parts.push_back(static_cast<NodeIndex>(program_->nodes.size() - 1));
  return {};
}

}  // namespace hearth::grammar
