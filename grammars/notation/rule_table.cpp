#include "grammars/notation/rule_table.h"

namespace hearth::grammar {

RuleTable::Rule& RuleTable::Find(std::string_view name) {
  const auto known = rules_.find(name);
  if (known != rules_.end()) return known->second;
  return rules_.emplace(name, Rule{b_.Forward()}).first->second;
}

Status RuleTable::Declare(std::string_view name) {
  Rule& rule = Find(name);
  if (rule.declared) return in_.Fail(Concat("'", name, "' is defined twice"));
  rule.declared = true;
  return {};
}

Result<RuleTable::Part> RuleTable::Finish(std::string_view start) const {
  for (const auto& [name, rule] : rules_) {
    if (!rule.declared) return in_.Fail(Concat("'", name, "' is used and not defined"));
  }
  const auto found = rules_.find(start);
  if (found == rules_.end()) return in_.Fail(Concat("there is no rule '", start, "'"));
  return found->second.part;
}

}  // namespace hearth::grammar
