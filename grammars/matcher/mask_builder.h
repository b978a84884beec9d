// MaskBuilder: the tokens that a set of configs allows.
//
// A mask is first looked for in the vocabulary's MaskMemory; else it is put together: what the
// tables know (the tokens that stay inside a free string, that are whitespace and no more), and
// walks of the token trie, or of the trie of what follows a string or a gap, where the automaton
// lives. Which tokens may go on after a string's end is remembered by itself, since it is the same
// at every place in the string.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "grammars/matcher/json_string.h"
#include "grammars/matcher/machine.h"
#include "grammars/matcher/mask_memory.h"
#include "grammars/matcher/string_walk.h"
#include "grammars/matcher/vocabulary_tables.h"

namespace hearth::grammar {

class MaskBuilder {
 public:
  // Uses and extends the memory. Frames that it makes are released.
  std::shared_ptr<const Mask> Find(const Vocabulary& vocabulary, Machine& machine,
                                   const Machine::Set& set);
  // False if the last mask was cut short by its budget and admits too much.
  bool exact() const { return exact_; }

 private:
  static constexpr size_t kVisits = 3'000'000;         // of trie nodes
  static constexpr size_t kAutomatonWork = 300'000;    // of CharDfa

  std::shared_ptr<const Mask> Compute(Machine& machine, const Machine::Set& set);
  template <typename Make>
  std::shared_ptr<const Mask> Recall(uint64_t kind, Machine& machine, const Machine::Set& set,
                                     Make&& make);

  void AddStrings(Machine& machine, const Machine::Set& strings);
  void AddInside(const Program& program, const Config& string);
  void AddClosing(Machine& machine, const ClosingTokens& closing, uint64_t kind,
                  const Config& string);
  std::shared_ptr<const Mask> Exits(Machine& machine, const ClosingTokens& closing, uint64_t kind,
                                    const Machine::Set& after);
  std::shared_ptr<const Mask> Words(const CharDfa& chars, const ClosingTokens& closing,
                                    uint64_t kind, CharDfa::State state);
  void AddGap(Machine& machine, const Config& config, Machine::Gap gap);
  bool AddStructure(Machine& machine, const Config& config);
  void WalkText(Machine& machine, const Config& config);
  void WalkTextBelow(const ByteDfa& dfa, TokenTrie::NodeId node, uint32_t state);
  void Walk(Machine& machine, const TokenTrie& trie, TokenTrie::NodeId node,
            const Machine::Set& set, size_t depth, const ByteSet& but = {});
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
  std::vector<uint64_t> scratch_, summary_;  // all zero between uses
  VocabularyTables::Bits base_;
  uint32_t base_id_ = 0;
  std::shared_ptr<std::vector<uint32_t>> own_bits_;
  bool overlaps_ = false;  // something of the base may have been found again
  std::vector<Machine::Set> levels_;
  StringWalk string_walk_;
  WorkBudget budget_;
  bool exact_ = true;

  // Of one Recall; one may call another once.
  struct Keys {
    std::vector<uint64_t> keys;
    std::vector<FrameIndex> below;
  };
  std::array<Keys, 2> keys_;
  size_t nesting_ = 0;
};

}  // namespace hearth::grammar
