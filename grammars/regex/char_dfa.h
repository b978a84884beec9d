// CharDfa: the deterministic automaton of a grammar's regular expressions, made state by state as
// somebody walks through it.
//
// Owned by one CompiledGrammar and shared by all threads that use it: known transitions are read
// without a lock, unknown ones are made under one. State 0 is dead; every other state is live, that
// is, some word can still be completed from it.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "grammars/regex/expression.h"

namespace hearth::grammar {

class CharDfa {
 public:
  using State = uint32_t;
  static constexpr State kDead = 0;
  static constexpr State kUniversal = 1;  // accepts every string
  static constexpr size_t kMaxStates = 1 << 18;

  // `roots`: every expression whose state will be asked for.
  CharDfa(std::unique_ptr<ExpressionStore> store, const std::vector<ExprId>& roots);
  ~CharDfa();

  State StateOf(ExprId root) const;
  State Step(State state, CodePoint c) const {
    if (state <= kUniversal) return state;
    const uint32_t symbol = Symbol(c);
    const std::atomic<uint32_t>* row = RowOf(state, symbol);
    const uint32_t known = row == nullptr ? 0 : row->load(std::memory_order_acquire);
    return known != 0 ? known - 1 : Make(state, symbol, c);
  }
  bool Accepting(State state) const { return At(state).accepting; }
  // Equal languages have equal hashes, across grammars too.
  uint64_t Hash(State state) const { return At(state).hash; }
  // True if some character in [low, high] leads to a live state.
  bool AnyLive(State state, CodePoint low, CodePoint high) const;
  // True if no string leads from here to the dead state. Decided once, within a small budget; "no"
  // where the budget ends.
  bool Open(State state) const;
  bool exhausted() const;

 private:
  struct Entry {
    ExprId expr = 0;
    bool accepting = false;
    std::atomic<int8_t> open{-1};
    uint64_t hash = 0;
    std::array<std::atomic<uint32_t>, 128> ascii{};
    std::atomic<std::atomic<uint32_t>*> wide{nullptr};
  };
  static constexpr size_t kChunk = 64;

  const Entry& At(State state) const {
    return chunks_[state / kChunk].load(std::memory_order_acquire)[state % kChunk];
  }
  uint32_t Symbol(CodePoint c) const;
  const std::atomic<uint32_t>* RowOf(State state, uint32_t symbol) const {
    const Entry& entry = At(state);
    if (symbol < 128) return &entry.ascii[symbol];
    const std::atomic<uint32_t>* wide = entry.wide.load(std::memory_order_acquire);
    return wide == nullptr ? nullptr : wide + (symbol - 128);
  }
  State Make(State state, uint32_t symbol, CodePoint c) const;
  State InternState(ExprId expr) const;

  mutable std::mutex mutex_;
  mutable std::unique_ptr<ExpressionStore> store_;
  std::vector<CodePoint> wide_bounds_;  // beginnings of the classes beyond ASCII
  mutable std::unordered_map<ExprId, State> states_;
  mutable std::array<std::atomic<Entry*>, kMaxStates / kChunk> chunks_{};
  mutable size_t count_ = 0;
};

}  // namespace hearth::grammar
