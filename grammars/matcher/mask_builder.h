// MaskBuilder: the tokens that a set of configs allows.
//
// A mask is first looked for in the vocabulary's MaskMemory; else it is computed by walking the
// token trie where the automaton lives. Inside a string the walk is not over all tokens: those that
// stay inside are a mask made beforehand, and only what follows a closing quote is walked.
#pragma once

#include <memory>
#include <vector>

#include "grammars/matcher/json_string.h"
#include "grammars/matcher/machine.h"
#include "grammars/matcher/mask_memory.h"
#include "grammars/matcher/vocabulary_tables.h"

namespace hearth::grammar {

class MaskBuilder {
 public:
  // Uses and extends the memory. Frames that it makes are released.
  std::shared_ptr<const Mask> Find(const Vocabulary& vocabulary, Machine& machine,
                                   const Machine::Set& set);
  // Never looks at the memory.
  std::shared_ptr<const Mask> Compute(const Vocabulary& vocabulary, Machine& machine,
                                      const Machine::Set& set);
  // False if the last mask was cut short by its budget and admits too much.
  bool exact() const { return exact_; }

 private:
  static constexpr size_t kWalkBudget = 3'000'000;     // trie nodes
  static constexpr size_t kAutomatonBudget = 300'000;  // work of CharDfa for one mask

  void WalkInside(Machine& machine, const Config& config);
  void WalkExits(Machine& machine, const Config& config);
  void WalkString(const CharDfa& chars, const StringSpec& spec, TokenTrie::NodeId node,
                  const JsonString::State& state, uint64_t count);
  void WalkText(Machine& machine, const Config& config);
  void WalkTextBelow(const ByteDfa& dfa, TokenTrie::NodeId node, uint32_t state);
  void Walk(Machine& machine, const TokenTrie& trie, TokenTrie::NodeId node,
            const Machine::Set& set, size_t depth);
  void AddBase(const VocabularyTables::Bits& bits, uint32_t id);
  void Allow(TokenId token) { found_.push_back(token); }
  void AllowAll(std::span<const TokenId> tokens) {
    found_.insert(found_.end(), tokens.begin(), tokens.end());
  }
  std::shared_ptr<const Mask> Finish();
  void SortFound();

  const Vocabulary* vocabulary_ = nullptr;  // of the call in progress
  const VocabularyTables* tables_ = nullptr;
  std::vector<TokenId> found_;
  std::vector<uint32_t> scratch_;  // all zero between uses
  VocabularyTables::Bits base_;
  uint32_t base_id_ = 0;
  std::shared_ptr<std::vector<uint32_t>> own_bits_;
  std::vector<Machine::Set> levels_;
  size_t budget_ = 0;
  size_t work_limit_ = 0;
  bool exact_ = true;
};

}  // namespace hearth::grammar
