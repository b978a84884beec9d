// RuleTable: the rules of a grammar by name. A rule may be used before it is defined.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "grammars/grammar_builder.h"
#include "grammars/notation/text_scanner.h"

namespace hearth::grammar {

class RuleTable {
 public:
  using Part = GrammarBuilder::Part;

  // Both outlive the table; the scanner says where an error is.
  RuleTable(GrammarBuilder& builder, const TextScanner& in) : b_(builder), in_(in) {}

  // What the name stands for wherever it is used.
  Part Use(std::string_view name) { return Find(name).part; }
  // To be called once a rule: its name, where that is read, so that the error of a second
  // definition has its line, and then what it stands for.
  Status Declare(std::string_view name);
  void Define(std::string_view name, Part body) { b_.Define(Use(name), body); }
  // Once all is read: the rule that texts follow. Error where it is missing, or a rule is used and
  // not defined.
  Result<Part> Finish(std::string_view start) const;

 private:
  struct Rule {
    Part part;
    bool declared = false;
  };
  Rule& Find(std::string_view name);

  GrammarBuilder& b_;
  const TextScanner& in_;
  std::map<std::string, Rule, std::less<>> rules_;
};

}  // namespace hearth::grammar
