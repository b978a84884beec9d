#include "grammars/regex/char_dfa.h"

#include <algorithm>

namespace hearth::grammar {

CharDfa::CharDfa(std::unique_ptr<ExpressionStore> store, const std::vector<ExprId>& roots)
    : store_(std::move(store)), partition_(store_->PartitionOf(roots)) {
  for (CodePoint c = 0; c < 128; ++c) ascii_[c] = WideSymbol(c);
  InternState(ExpressionStore::kNone);
  InternState(ExpressionStore::kAll);
  for (ExprId root : roots) InternState(root);
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
  if (expr != ExpressionStore::kNone && store_->IsEmpty(expr)) expr = ExpressionStore::kNone;
  const auto [it, fresh] = states_.emplace(expr, static_cast<State>(count_));
  if (!fresh) return it->second;
  if (count_ >= kMaxStates) {
    states_.erase(it);
    return kDead;
  }
  const size_t chunk = count_ / kChunk;
  Entry* entries = chunks_[chunk].load(std::memory_order_relaxed);
  if (entries == nullptr) {
    entries = new Entry[kChunk];
    chunks_[chunk].store(entries, std::memory_order_release);
  }
  Entry& entry = entries[count_ % kChunk];
  entry.expr = expr;
  entry.next = std::make_unique<std::atomic<uint32_t>[]>(partition_.examples.size());
  entry.accepting = store_->Nullable(expr);
  entry.hash = store_->Hash(expr);
  if (store_->Open(expr)) entry.open.store(1, std::memory_order_relaxed);
  return static_cast<State>(count_++);
}

CharDfa::State CharDfa::Make(State state, uint32_t symbol) const {
  const std::lock_guard lock(mutex_);
  const Entry& entry = At(state);
  const State next = InternState(store_->Derive(entry.expr, partition_.examples[symbol]));
  entry.next[symbol].store(next + 1, std::memory_order_release);
  return next;
}

bool CharDfa::AnyLive(State state, CodePoint low, CodePoint high) const {
  if (low > high || state == kDead) return false;
  if (state == kUniversal) return true;
  const auto& bounds = partition_.bounds;
  auto it = std::upper_bound(bounds.begin(), bounds.end(), low) - 1;
  for (; it != bounds.end() && *it <= high; ++it) {
    const CodePoint c = std::max(*it, low);
    if ((c < kFirstSurrogate || c > kLastSurrogate) && Step(state, c) != kDead) return true;
  }
  return false;
}

bool CharDfa::Open(State state) const {
  if (state <= kUniversal) return state == kUniversal;
  const Entry& entry = At(state);
  if (const int8_t known = entry.open.load(std::memory_order_relaxed); known >= 0)
    return known == 1;
  constexpr size_t kMaxExplored = 24;
  std::vector<State> visited{state};
  bool open = true;
  for (size_t i = 0; i < visited.size() && open; ++i) {
    const auto visit = [&](CodePoint c) {
      const State next = Step(visited[i], c);
      if (next == kDead) open = false;
      if (next <= kUniversal) return;
      if (std::find(visited.begin(), visited.end(), next) == visited.end()) visited.push_back(next);
    };
    for (const CodePoint c : partition_.examples) {
      if (open && c != kFirstSurrogate) visit(c);
    }
    if (visited.size() > kMaxExplored) open = false;
  }
  const_cast<Entry&>(entry).open.store(open ? 1 : 0, std::memory_order_relaxed);
  return open;
}

bool CharDfa::exhausted() const {
  const std::lock_guard lock(mutex_);
  return store_->exhausted() || count_ >= kMaxStates;
}

}  // namespace hearth::grammar
