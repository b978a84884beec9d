#include "grammars/regex/char_dfa.h"

#include <algorithm>
#include <unordered_set>

#include "grammars/matcher/token_trie.h"

namespace hearth::grammar {

CharDfa::CharDfa(std::unique_ptr<ExpressionStore> store, const std::vector<ExprId>& roots,
                 size_t work_limit)
    : store_(std::move(store)), partition_(store_->PartitionOf(roots)) {
  for (CodePoint c = 0; c < 128; ++c) ascii_[c] = WideSymbol(c);
  FindWideSymbols();
  InternState(ExpressionStore::kNone);
  InternState(ExpressionStore::kAll);
  for (ExprId root : roots) {
    if (store_->work() <= work_limit) InternState(root);
  }
  work_.store(store_->work(), std::memory_order_relaxed);
}

void CharDfa::FindWideSymbols() {
  struct Zone {
    CodePoint low, high;
  };
  constexpr Zone kZones[] = {
      {0x80, 0xbf},     {0xc0, 0xfff},    {0x1000, 0x3fff},        {0x4000, 0xd7ff},
      {0xe000, 0xefff}, {0xf000, 0xffff}, {0x10000, kMaxCodePoint}};
  for (size_t i = 0; i < partition_.bounds.size(); ++i) {
    const CodePoint low = partition_.bounds[i];
    const CodePoint high =
        i + 1 < partition_.bounds.size() ? partition_.bounds[i + 1] - 1 : kMaxCodePoint;
    for (const Zone& zone : kZones) {
      if (low > zone.high || high < zone.low) continue;
      auto& symbols = TokenTrie::IsOdd(zone.low) ? odd_symbols_ : wide_symbols_;
      const uint32_t symbol = partition_.class_of[i];
      if (std::find(symbols.begin(), symbols.end(), symbol) == symbols.end()) {
        symbols.push_back(symbol);
      }
    }
  }
}

CharDfa::~CharDfa() {
  for (auto& chunk : chunks_) {
    Entry* entries = chunk.load(std::memory_order_relaxed);
    if (entries == nullptr) break;
    delete[] entries;
  }
}

CharDfa::State CharDfa::StateOf(ExprId root) const {
  const std::lock_guard lock(mutex_);
  return InternState(root);
}

uint32_t CharDfa::WideSymbol(CodePoint c) const {
  const auto it = std::upper_bound(partition_.bounds.begin(), partition_.bounds.end(), c);
  return partition_.class_of[static_cast<size_t>(it - partition_.bounds.begin()) - 1];
}

CharDfa::State CharDfa::InternState(ExprId expr) const {
  if (expr != ExpressionStore::kNone && store_->IsEmpty(expr, &partition_.examples))
    expr = ExpressionStore::kNone;
  const auto [it, fresh] = states_.emplace(expr, static_cast<State>(count_));
  if (!fresh) return it->second;
  if (count_ >= kMaxStates) {
    states_.erase(it);
    return kDead;
  }
  const size_t chunk = ChunkOf(static_cast<State>(count_));
  Entry* entries = chunks_[chunk].load(std::memory_order_relaxed);
  if (entries == nullptr) {
    entries = new Entry[size_t{kFirstChunk} << chunk];
    chunks_[chunk].store(entries, std::memory_order_release);
  }
  Entry& entry = entries[count_ - FirstOf(chunk)];
  entry.expr = expr;
  entry.next = std::make_unique<std::atomic<uint32_t>[]>(partition_.examples.size());
  entry.accepting = store_->Nullable(expr);
  entry.hash = store_->Hash(expr);
  entry.shortest = store_->Shortest(expr);
  entry.run_length = store_->RunOf(expr).most;
  if (store_->Open(expr)) entry.open.store(kAlwaysOpen, std::memory_order_relaxed);
  return static_cast<State>(count_++);
}

CharDfa::State CharDfa::Make(State state, uint32_t symbol) const {
  const std::lock_guard lock(mutex_);
  const Entry& entry = At(state);
  const State next = InternState(store_->Derive(entry.expr, partition_.examples[symbol]));
  entry.next[symbol].store(next + 1, std::memory_order_release);
  work_.store(store_->work(), std::memory_order_relaxed);
  return next;
}

bool CharDfa::AnyLive(State state, CodePoint low, CodePoint high, uint64_t room) const {
  if (low > high || state == kDead) return false;
  if (state == kUniversal) return true;
  const auto& bounds = partition_.bounds;
  auto it = std::upper_bound(bounds.begin(), bounds.end(), low) - 1;
  for (; it != bounds.end() && *it <= high; ++it) {
    const CodePoint c = std::max(*it, low);
    if (c >= kFirstSurrogate && c <= kLastSurrogate) continue;
    const State next = Step(state, c);
    if (next != kDead && Shortest(next) <= room) return true;
  }
  return false;
}

uint32_t CharDfa::OpenLength(State state) const {
  if (state <= kUniversal) return state == kUniversal ? kAlwaysOpen : 0;
  const Entry& entry = At(state);
  if (const uint32_t known = entry.open.load(std::memory_order_relaxed); known != kUnknownOpen) {
    return known;
  }
  constexpr size_t kMaxExplored = 64;
  std::vector<std::pair<State, uint32_t>> visited{{state, 0}};  // and how far away
  std::unordered_set<State> seen{state};
  uint32_t open = kAlwaysOpen;
  for (size_t i = 0; i < visited.size() && open == kAlwaysOpen; ++i) {
    const auto [from, distance] = visited[i];
    if (visited.size() > kMaxExplored) {
      open = distance;
      break;
    }
    for (const CodePoint c : partition_.examples) {
      if (c == kFirstSurrogate) continue;  // no character
      const State next = Step(from, c);
      if (next == kDead) open = distance;
      if (next == kDead) break;
      if (next != kUniversal && At(next).open.load(std::memory_order_relaxed) != kAlwaysOpen &&
          seen.insert(next).second) {
        visited.emplace_back(next, distance + 1);
      }
    }
  }
  const_cast<Entry&>(entry).open.store(open, std::memory_order_relaxed);
  return open;
}

bool CharDfa::CountsLengths(State start, uint32_t min, uint32_t& longest) {
  if (start > kUniversal && Shortest(start) >= min) {  // so the lower bound says nothing more
    if (const auto way = store_->LongestWayOut(At(start).expr)) {
      longest = *way;
      return true;
    }
  }
  return EveryLength(start, longest);
}

CharDfa::Run CharDfa::RunOf(State state) const {
  const Entry& entry = At(state);
  if (entry.run_length < 2) return {};
  uint64_t classes = entry.run.load(std::memory_order_relaxed);
  if (classes == kUnknownRun) {
    const std::lock_guard lock(mutex_);
    const CodePointSet& set = *store_->RunOf(entry.expr).set;
    uint64_t outside = ~TokenTrie::kPlainClasses;
    for (CodePoint c = 0x20; c < 0x7f; ++c) {
      if (!set.Contains(c)) outside |= TokenTrie::ClassBit(static_cast<uint8_t>(c));
    }
    classes = ~outside;
    const_cast<Entry&>(entry).run.store(classes, std::memory_order_relaxed);
  }
  return {classes, entry.run_length};
}

bool CharDfa::EveryLength(State start, uint32_t& longest) {
  constexpr size_t kMaxExplored = 96, kMaxSteps = 3000, kMaxWork = 60'000;
  longest = 0;
  if (start <= kUniversal) return start == kUniversal;
  if (partition_.examples.size() > kMaxSteps) return false;
  std::vector<State> reached{start};
  std::unordered_map<State, size_t> index{{start, 0}};
  std::vector<std::vector<size_t>> before(1);
  size_t steps = 0;
  const size_t limit = work() + kMaxWork;
  for (size_t i = 0; i < reached.size(); ++i) {
    bool accepting_next = false;
    for (const CodePoint c : partition_.examples) {
      if (c == kFirstSurrogate) continue;  // no character
      if (++steps > kMaxSteps || work() > limit) return false;
      const State next = Step(reached[i], c);
      if (next == kDead) continue;
      accepting_next = accepting_next || Accepting(next);
      const auto [it, fresh] = index.emplace(next, reached.size());
      if (fresh) {
        reached.push_back(next);
        before.emplace_back();
      }
      before[it->second].push_back(i);
    }
    // From a word one can go on to a longer one, and so to every length.
    if (Accepting(reached[i]) && !accepting_next) return false;
    if (reached.size() > kMaxExplored) return false;
  }
  std::vector<uint32_t> shortest(reached.size(), UINT32_MAX);
  std::vector<size_t> order;
  for (size_t i = 0; i < reached.size(); ++i) {
    if (!Accepting(reached[i])) continue;
    shortest[i] = 0;
    order.push_back(i);
  }
  for (size_t k = 0; k < order.size(); ++k) {
    for (size_t i : before[order[k]]) {
      if (shortest[i] != UINT32_MAX) continue;
      shortest[i] = shortest[order[k]] + 1;
      order.push_back(i);
    }
  }
  for (size_t i = 0; i < reached.size(); ++i) {
    if (shortest[i] == UINT32_MAX) return false;  // an undetected dead end
    longest = std::max(longest, shortest[i]);
  }
  for (size_t i = 0; i < reached.size(); ++i)
    const_cast<Entry&>(At(reached[i])).shortest = shortest[i];
  return true;
}

CharDfa::State CharDfa::CommonNext(State state, const std::vector<uint32_t>& symbols) const {
  State common = kMixed;
  for (const uint32_t symbol : symbols) {
    const State next = StepSymbol(state, symbol);
    if (common != kMixed && next != common) return kMixed;
    common = next;
  }
  return common;
}

CharDfa::State CharDfa::WideNext(State state) const {
  if (state <= kUniversal) return state;
  const Entry& entry = At(state);
  State next = entry.wide_next.load(std::memory_order_relaxed);
  if (next == kUnknownNext) {
    next = CommonNext(state, wide_symbols_);
    const_cast<Entry&>(entry).wide_next.store(next, std::memory_order_relaxed);
  }
  return next;
}

uint64_t CharDfa::Loops(State state) const {
  if (state == kDead) return 0;
  const Entry& entry = At(state);
  const uint64_t known = entry.loops.load(std::memory_order_relaxed);
  if (known != kUnknownLoops) return known;
  uint64_t some = 0, leave = 0;
  for (unsigned b = 0; b < 0x80; ++b) {
    const uint64_t bit = TokenTrie::ClassBit(static_cast<uint8_t>(b));
    const bool plain = b >= 0x20 && b < 0x7f && b != '"' && b != '\\';
    if (plain && Step(state, b) == state) {
      some |= bit;
    } else {
      leave |= bit;
    }
  }
  // The bytes of the wide classes must still make whole characters.
  (WideNext(state) == state ? some : leave) |= TokenTrie::kWideClass;
  (CommonNext(state, odd_symbols_) == state ? some : leave) |= TokenTrie::kOddClass;
  const_cast<Entry&>(entry).loops.store(some & ~leave, std::memory_order_relaxed);
  return some & ~leave;
}

bool CharDfa::exhausted() const {
  const std::lock_guard lock(mutex_);
  return store_->exhausted() || count_ >= kMaxStates;
}

}  // namespace hearth::grammar
