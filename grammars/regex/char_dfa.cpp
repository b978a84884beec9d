#include "grammars/regex/char_dfa.h"

#include <algorithm>

namespace hearth::grammar {

CharDfa::CharDfa(std::unique_ptr<ExpressionStore> store, const std::vector<ExprId>& roots)
    : store_(std::move(store)) {
  std::vector<CodePoint> bounds;
  for (ExprId root : roots) store_->CollectBoundaries(root, bounds);
  bounds.push_back(128);
  bounds.push_back(kFirstSurrogate);
  bounds.push_back(kLastSurrogate + 1);
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  std::erase_if(bounds, [](CodePoint c) { return c < 128 || c > kMaxCodePoint; });
  wide_bounds_ = std::move(bounds);
  InternState(ExpressionStore::kNone);
  InternState(ExpressionStore::kAll);
  for (ExprId root : roots) InternState(root);
}

CharDfa::~CharDfa() {
  for (auto& chunk : chunks_) {
    Entry* entries = chunk.load(std::memory_order_relaxed);
    if (entries == nullptr) break;
    for (size_t i = 0; i < kChunk; ++i) delete[] entries[i].wide.load(std::memory_order_relaxed);
    delete[] entries;
  }
}

CharDfa::State CharDfa::StateOf(ExprId root) const {
  const std::lock_guard lock(mutex_);
  return InternState(root);
}

uint32_t CharDfa::Symbol(CodePoint c) const {
  if (c < 128) return c;
  const auto it = std::upper_bound(wide_bounds_.begin(), wide_bounds_.end(), c);
  return 127 + static_cast<uint32_t>(it - wide_bounds_.begin());
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
  entry.accepting = store_->Nullable(expr);
  entry.hash = store_->Hash(expr);
  return static_cast<State>(count_++);
}

CharDfa::State CharDfa::Make(State state, uint32_t symbol, CodePoint c) const {
  const std::lock_guard lock(mutex_);
  auto& entry = const_cast<Entry&>(At(state));
  std::atomic<uint32_t>* slot = nullptr;
  if (symbol < 128) {
    slot = &entry.ascii[symbol];
  } else {
    std::atomic<uint32_t>* wide = entry.wide.load(std::memory_order_relaxed);
    if (wide == nullptr) {
      wide = new std::atomic<uint32_t>[wide_bounds_.size()]();
      entry.wide.store(wide, std::memory_order_release);
    }
    slot = wide + (symbol - 128);
  }
  const State next = InternState(store_->Derive(entry.expr, c));
  slot->store(next + 1, std::memory_order_release);
  return next;
}

bool CharDfa::AnyLive(State state, CodePoint low, CodePoint high) const {
  if (low > high || state == kDead) return false;
  if (state == kUniversal) return true;
  for (CodePoint c = low; c <= high;) {
    if (c >= kFirstSurrogate && c <= kLastSurrogate) {
      c = kLastSurrogate + 1;
      continue;
    }
    if (Step(state, c) != kDead) return true;
    if (c < 127) {
      ++c;
      continue;
    }
    const auto next = std::upper_bound(wide_bounds_.begin(), wide_bounds_.end(), c);
    if (next == wide_bounds_.end()) return false;
    c = *next;
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
    for (CodePoint c = 0; c < 128 && open; ++c) visit(c);
    for (const CodePoint c : wide_bounds_) {
      if (open && (c < kFirstSurrogate || c > kLastSurrogate)) visit(c);
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
