// StringWalk: which tokens go on inside a JSON string under a pattern, and which can close it.
//
// Goes over all nodes of a trie in the order in which they lie, a few nanoseconds each, and takes
// whole subtrees where the automaton only loops or where nothing as long as the subtree is high
// can die.
#pragma once

#include <vector>

#include "grammars/matcher/json_string.h"
#include "grammars/matcher/vocabulary_tables.h"

namespace hearth::grammar {

// WorkBudget: what one mask may cost, in visits of trie nodes and in work of the automaton.
class WorkBudget {
 public:
  WorkBudget() = default;
  WorkBudget(const CharDfa& chars, size_t visits, size_t work)
      : chars_(&chars), visits_(visits), work_limit_(chars.work() + work) {}
  // False, and so for ever, once it is used up.
  bool Spend(size_t visits) {
    visits_ -= std::min(visits, visits_);
    if (chars_->work() > work_limit_) visits_ = 0;
    return visits_ != 0;
  }
  bool spent() const { return visits_ == 0; }

 private:
  const CharDfa* chars_ = nullptr;
  size_t visits_ = 0;
  size_t work_limit_ = 0;
};

class StringWalk {
 public:
  // Appends the tokens that stay inside the string, begun between two of its characters.
  void Inside(const VocabularyTables& tables, const CharDfa& chars, const StringSpec& spec,
              CharDfa::State state, uint64_t count, WorkBudget& budget, std::vector<TokenId>& out);
  // Marks the numbers of the tokens whose characters up to the quote are a word from the state.
  void Words(const ClosingTokens& closing, const CharDfa& chars, CharDfa::State state,
             WorkBudget& budget, std::vector<uint32_t>& numbers);

 private:
  struct Level {
    JsonString::State state;
    uint64_t count = 0;
    uint64_t loops = 0;   // of the state, or none where they are not known
    CharDfa::Run run;     // the same
    bool looked = false;  // whether they are
  };
  std::vector<Level> levels_;
};

}  // namespace hearth::grammar
