// Keywords that branch: if, dependentRequired and its kin, oneOf.
#include <algorithm>
#include <map>

#include "grammars/regex/ecma_regex.h"
#include "grammars/schema/schema_compiler.h"

namespace hearth::grammar {

Status SchemaCompiler::CollectConditional(Facts& facts, Term term,
                                          const std::vector<Term>& ancestors) {
  const Json& schema = *term.schema;
  const Json* condition = Member(schema, "if");
  const Json* then = Member(schema, "then");
  const Json* otherwise = Member(schema, "else");
  if (then == nullptr && otherwise == nullptr) return {};
  const Term if_term{condition, term.resource};
  if (IsTrue(*condition) || IsFalse(*condition)) {
    const Json* taken = IsTrue(*condition) ? then : otherwise;
    if (taken == nullptr) return {};
    std::vector<Term> path = ancestors;
    return Collect(facts, {taken, term.resource}, path);
  }
  HEARTH_TRY(const Json* negated, Negate(if_term, 0));
  Choice choice{{{if_term}, {{negated, term.resource}}}, ancestors};
  if (then != nullptr) choice.branches[0].push_back({then, term.resource});
  if (otherwise != nullptr) choice.branches[1].push_back({otherwise, term.resource});
  facts.choices.push_back(std::move(choice));
  return {};
}

Status SchemaCompiler::CollectDependencies(Facts& facts, Term term, const Json& value,
                                           const std::vector<Term>& ancestors) {
  for (auto it = value.begin(); it != value.end(); ++it) {
    // Without the key nothing is asked; with it, the rest is. Values that are no objects pass.
    const Json* without = Own({{kAbsentKey, {it.key()}}});
    Json with = {{kTypesKey, kObjectType}, {"required", Json::array({it.key()})}};
    std::vector<Term> branch;
    if (it->is_array()) {
      for (const Json& name : *it) with["required"].push_back(name);
    } else if (it->is_string()) {
      with["required"].push_back(*it);
    } else {
      if (IsTrue(*it)) continue;
      branch.push_back({&*it, term.resource});
    }
    branch.insert(branch.begin(), {Own(std::move(with)), term.resource});
    facts.choices.push_back({{{{without, term.resource}}, std::move(branch)}, ancestors});
  }
  return {};
}

// The strings that a branch of oneOf leaves to each property that it requires, where it lists them.
Result<SchemaCompiler::Discriminators> SchemaCompiler::DiscriminatorsOf(const Facts& facts) {
  Discriminators out;
  for (const ObjectGroup& group : facts.object_groups) {
    if (group.properties == nullptr) continue;
    for (const std::string& name : facts.required) {
      const Json* property = Member(*group.properties, name.c_str());
      if (property == nullptr || !property->is_object() || out.contains(name)) continue;
      std::vector<std::string> words;
      const auto add = [&](const Json& value) {
        if (value.is_string()) words.push_back(value.get<std::string>());
        return value.is_string();
      };
      bool listed = false;
      if (const Json* value = Member(*property, "const")) {
        listed = add(*value);
      } else if (const Json* values = Member(*property, "enum"); values && values->is_array()) {
        listed = std::all_of(values->begin(), values->end(), add);
      } else if (const Json* pattern = Member(*property, "pattern");
                 pattern != nullptr && pattern->is_string() &&
                 Member(*property, "type") != nullptr && *Member(*property, "type") == "string") {
        HEARTH_TRY(const ExprId language, Pattern(pattern->get_ref<const std::string&>(),
                                                  {property, group.resource}, "pattern"));
        if (const auto word = store_->OnlyWord(language)) {
          words.emplace_back();
          for (const char32_t c : *word) AppendUtf8(c, words.back());
          listed = true;
        }
      }
      if (!listed) continue;
      std::sort(words.begin(), words.end());
      out.emplace(name, std::move(words));
    }
  }
  return out;
}

bool SchemaCompiler::Differ(const Discriminators& a, const Discriminators& b) {
  return std::any_of(a.begin(), a.end(), [&](const auto& property) {
    const auto other = b.find(property.first);
    if (other == b.end()) return false;
    std::vector<std::string> common;
    std::set_intersection(property.second.begin(), property.second.end(), other->second.begin(),
                          other->second.end(), std::back_inserter(common));
    return common.empty();
  });
}

// Branches that cannot hold together are alternatives like those of anyOf. Where that is not
// proven, each of the two is narrowed by the negation of the other, if there is one.
Status SchemaCompiler::CollectOneOf(Facts& facts, Term term, const Json& branches,
                                    std::vector<Term>& ancestors) {
  Choice choice{{}, ancestors};
  for (const Json& branch : branches) {
    if (!IsFalse(branch)) choice.branches.push_back({{&branch, term.resource}});
  }
  const size_t n = choice.branches.size();
  if (n == 1) return Collect(facts, choice.branches[0][0], ancestors);
  Facts base = facts;
  base.choices.clear();
  std::vector<Facts> alone(n, base);
  for (size_t i = 0; i < n; ++i) {
    std::vector<Term> path = ancestors;
    HEARTH_CHECK_OK(Collect(alone[i], choice.branches[i][0], path));
  }
  std::vector<Discriminators> discriminators(n);
  for (size_t i = 0; i < n; ++i) {
    HEARTH_TRY(discriminators[i], DiscriminatorsOf(alone[i]));
  }
  std::vector<std::vector<Term>> negations(n);
  for (size_t i = 0; i < n; ++i) {
    if (!Spend(n - i)) {
      return At(term, "oneOf", ErrorCode::kResourceExhausted, "oneOf with too many branches");
    }
    for (size_t j = i + 1; j < n; ++j) {
      const int types = alone[i].types & alone[j].types;
      if (types == 0) continue;
      if (types == kObjectType && Differ(discriminators[i], discriminators[j])) continue;
      Facts both = alone[i];
      std::vector<Term> path = ancestors;
      HEARTH_CHECK_OK(Collect(both, choice.branches[j][0], path));
      HEARTH_TRY(const std::vector<Facts> together, ExpandFrom(std::move(both)));
      bool disjoint = true;
      for (const Facts& f : together) {
        HEARTH_TRY(const bool empty, IsEmptyFacts(f, proof_depth_));
        disjoint = disjoint && empty;
        if (!disjoint) break;
      }
      if (disjoint) continue;
      const auto not_i = Negate(choice.branches[i][0], 0);
      const auto not_j = Negate(choice.branches[j][0], 0);
      if (!not_i || !not_j) {
        return At(term, "oneOf", ErrorCode::kUnsupported,
                  "unsupported: oneOf whose branches " + std::to_string(i) + " and " +
                      std::to_string(j) + " are not provably disjoint");
      }
      negations[i].push_back({*not_j, term.resource});
      negations[j].push_back({*not_i, term.resource});
    }
  }
  for (size_t i = 0; i < n; ++i) {
    choice.branches[i].insert(choice.branches[i].end(), negations[i].begin(), negations[i].end());
  }
  facts.choices.push_back(std::move(choice));
  return {};
}

}  // namespace hearth::grammar
