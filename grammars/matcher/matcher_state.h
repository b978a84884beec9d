// MatcherState: the inside of a Matcher.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "grammars/compiled_grammar.h"
#include "grammars/matcher/machine.h"
#include "grammars/matcher/mask_builder.h"
#include "grammars/vocabulary.h"

namespace hearth::grammar {

class MatcherState {
 public:
  // Beyond this many ways to read the same text, a step is refused rather than slow.
  static constexpr size_t kMaxConfigs = 4096;

  MatcherState(std::shared_ptr<const CompiledGrammar> g, std::shared_ptr<const Vocabulary> v);

  // Where the sequence stood after each step; sets lie one after the other in `configs`.
  struct Step {
    size_t begin;   // into configs
    size_t frames;  // how many frames existed
    bool ended;
  };

  Machine::Set Current() const {
    return {configs.data() + history.back().begin, configs.data() + configs.size()};
  }
  void Commit(const Machine::Set& set, bool ended);

  std::shared_ptr<const CompiledGrammar> grammar;
  std::shared_ptr<const Vocabulary> vocabulary;
  Machine machine;
  std::vector<Config> configs;
  std::vector<Step> history;
  std::shared_ptr<const Mask> mask;  // keeps the view given out alive
  bool exact = true;
};

}  // namespace hearth::grammar
