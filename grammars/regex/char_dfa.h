// CharDfa: the deterministic automaton of a grammar's regular expressions, made state by state as
// somebody walks through it.
//
// Owned by one CompiledGrammar and shared by all threads that use it: known transitions are read
// without a lock, unknown ones are made under one. State 0 is dead; every other state is live, that
// is, some word can still be completed from it.
#pragma once

#include <array>
#include <atomic>
#include <bit>
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
  static constexpr uint32_t kAlwaysOpen = UINT32_MAX - 1;
  static constexpr State kMixed = UINT32_MAX - 1;

  // `roots`: every expression whose state will be asked for. Some of them have none if the work
  // outgrows the limit; work() then says so.
  CharDfa(std::unique_ptr<ExpressionStore> store, const std::vector<ExprId>& roots,
          size_t work_limit = SIZE_MAX);
  ~CharDfa();

  State StateOf(ExprId root) const;
  State Step(State state, CodePoint c) const { return StepSymbol(state, Symbol(c)); }
  State StepSymbol(State state, uint32_t symbol) const {
    if (state <= kUniversal) return state;
    const uint32_t known = At(state).next[symbol].load(std::memory_order_acquire);
    return known != 0 ? known - 1 : Make(state, symbol);
  }
  bool Accepting(State state) const { return At(state).accepting; }
  // Equal languages have equal hashes, across grammars too.
  uint64_t Hash(State state) const { return At(state).hash; }
  // True if some character in [low, high] leads to a live state.
  // … and, where `room` says how many characters may still come after it, can end within them.
  bool AnyLive(State state, CodePoint low, CodePoint high, uint64_t room = UINT64_MAX) const;
  // True if no string of up to `length` characters leads from here to the dead state. Found by
  // looking ahead over a bounded number of states; "no" where that does not decide.
  bool Open(State state, uint32_t length) const { return OpenLength(state) >= length; }
  // The greatest such length that was found; kAlwaysOpen: any.
  uint32_t OpenLength(State state) const;
  // Whether lengths from `min` up to any bound can be counted beside the automaton: from every
  // state with room for its Shortest, some word ends within the bound. `longest` is the greatest
  // Shortest. Call it before any thread walks.
  bool CountsLengths(State start, uint32_t min, uint32_t& longest);
  // No word from here is shorter; exact where CountsLengths holds.
  uint32_t Shortest(State state) const { return At(state).shortest; }
  // Token classes (TokenTrie::ClassBit) of characters that lead from the state to itself;
  // none of those that JSON strings escape.
  uint64_t Loops(State state) const;
  bool LoopsKnown(State state) const {
    return At(state).loops.load(std::memory_order_relaxed) != kUnknownLoops;
  }
  // The state to which every character of the wide class leads (TokenTrie::IsOdd says which do
  // not count), kMixed where they differ.
  State WideNext(State state) const;
  bool exhausted() const;
  // The token classes of a set of characters, and how many of them may come here one after the
  // other, whatever they are: no such string leads to the dead state.
  struct Run {
    uint64_t classes = 0;
    uint32_t length = 0;
  };
  Run RunOf(State state) const;
  // Work done so far to make states, by all threads.
  size_t work() const { return work_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint64_t kUnknownLoops = UINT64_MAX;
  static constexpr uint64_t kUnknownRun = UINT64_MAX;
  static constexpr State kUnknownNext = UINT32_MAX;
  static constexpr uint32_t kUnknownOpen = UINT32_MAX;
  struct Entry {
    ExprId expr = 0;
    bool accepting = false;
    uint32_t shortest = 0;
    std::atomic<uint32_t> open{kUnknownOpen};  // strings of up to this length are no way to death
    std::atomic<uint64_t> loops{kUnknownLoops};
    std::atomic<State> wide_next{kUnknownNext};
    std::atomic<uint64_t> run{kUnknownRun};
    uint32_t run_length = 0;
    uint64_t hash = 0;
    std::unique_ptr<std::atomic<uint32_t>[]> next;  // [class]: state + 1, or 0 where not made yet
  };
  // Entries lie in chunks, each twice as long as the one before, so they never move.
  static constexpr uint32_t kFirstChunk = 32;
  static constexpr size_t kChunks = std::bit_width(kMaxStates / kFirstChunk) + 1;
  static size_t ChunkOf(State state) {
    return static_cast<size_t>(std::bit_width(state / kFirstChunk + 1)) - 1;
  }
  static State FirstOf(size_t chunk) { return ((State{1} << chunk) - 1) * kFirstChunk; }

  const Entry& At(State state) const {
    const size_t chunk = ChunkOf(state);
    return chunks_[chunk].load(std::memory_order_acquire)[state - FirstOf(chunk)];
  }
  uint32_t Symbol(CodePoint c) const { return c < 128 ? ascii_[c] : WideSymbol(c); }
  uint32_t WideSymbol(CodePoint c) const;
  State Make(State state, uint32_t symbol) const;
  State InternState(ExprId expr) const;
  // True, with `longest`, if few states can be reached and each length from Shortest(q) on is the
  // length of some word from q.
  bool EveryLength(State start, uint32_t& longest);
  void FindWideSymbols();
  // Where all of the symbols lead, or kMixed.
  State CommonNext(State state, const std::vector<uint32_t>& symbols) const;

  mutable std::mutex mutex_;
  mutable std::unique_ptr<ExpressionStore> store_;
  ExpressionStore::Partition partition_;
  std::array<uint32_t, 128> ascii_{};
  std::vector<uint32_t> wide_symbols_, odd_symbols_;  // of characters beyond ASCII
  mutable std::unordered_map<ExprId, State> states_;
  mutable std::array<std::atomic<Entry*>, kChunks> chunks_{};
  mutable size_t count_ = 0;
  mutable std::atomic<size_t> work_{0};
};

}  // namespace hearth::grammar
