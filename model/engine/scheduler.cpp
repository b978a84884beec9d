#include "model/engine/scheduler.h"

#include <algorithm>

namespace hearth::model {
namespace {

// A sequence that waited while four times as many tokens were read for others goes before one that
// is so much shorter.
constexpr int64_t kReadPerAge = 4;
// Where less than this share of what must be read could be had from another, it is not waited for.
constexpr uint32_t kWorthWaiting = 8;

// All but the last token, whose logits are wanted.
std::span<const TokenId> Shareable(const Sequence& sequence) {
  return std::span(sequence.tokens).first(sequence.tokens.size() - 1);
}

}  // namespace

void Scheduler::Add(std::unique_ptr<Sequence> sequence) {
  sequence->arrived_at = read_tokens_;
  waiting_.push_back(std::move(sequence));
}

std::unique_ptr<Sequence> Scheduler::Take(Sequence& sequence) {
  const auto is_it = [&](const auto& other) { return other.get() == &sequence; };
  std::unique_ptr<Sequence> taken;
  if (const auto at = std::ranges::find_if(running_, is_it); at != running_.end()) {
    taken = std::move(*at);
    running_.erase(at);
  } else {
    const auto queued = std::ranges::find_if(waiting_, is_it);
    taken = std::move(*queued);
    waiting_.erase(queued);
  }
  return taken;
}

void Scheduler::LeaveToCache(Sequence& sequence) {
  sequence.table.Truncate(sequence.computed);
  cache_.InsertEnded(sequence.salt, std::span(sequence.tokens).first(sequence.computed),
                     sequence.table);
  sequence.table.Clear();
}

void Scheduler::Remove(Sequence& sequence) {
  const std::unique_ptr<Sequence> taken = Take(sequence);
  LeaveToCache(*taken);
}

void Scheduler::Preempt(Sequence& sequence) {
  LeaveToCache(sequence);
  sequence.computed = 0;
  sequence.reading = true;
  sequence.preempted = true;
  sequence.draft.clear();
  waiting_.push_front(Take(sequence));
  ++preemptions_;
}

int64_t Scheduler::Urgency(const Sequence& sequence) const {
  return static_cast<int64_t>(sequence.pending()) -
         static_cast<int64_t>(read_tokens_ - sequence.arrived_at) / kReadPerAge;
}

// Who would give way first: one whose reader does not keep up, then the last of those that matter
// least.
Sequence* Scheduler::MostExpendable() const {
  const auto last = std::ranges::max_element(running_, [](const auto& a, const auto& b) {
    return a->paused != b->paused ? b->paused : a->GoesBefore(*b);
  });
  return last == running_.end() ? nullptr : last->get();
}

void Scheduler::Admit(std::vector<Sequence*>& admitted) {
  while (true) {
    Sequence* expendable = MostExpendable();
    const bool has_place = running_.size() < options_.max_sequences;
    const auto gives_way_to = [&](const Sequence& sequence) {
      return expendable->paused || expendable->priority < sequence.priority;
    };
    Sequence* best = nullptr;
    int64_t best_urgency = 0;
    RadixCache::Known best_known;
    for (const auto& sequence : waiting_) {
      if (sequence->paused || (!has_place && !gives_way_to(*sequence))) continue;
      if (best != nullptr && sequence->priority < best->priority) continue;
      const RadixCache::Known known = cache_.Find(sequence->salt, Shareable(*sequence));
      const int64_t urgency = Urgency(*sequence) - known.tokens;
      if (best == nullptr || sequence->priority > best->priority || urgency < best_urgency) {
        best = sequence.get();
        best_urgency = urgency;
        best_known = known;
      }
    }
    if (best == nullptr) return;
    if (has_place && HasMemoryFor(*best, best_known)) {
      running_.push_back(Take(*best));
      ShareKnown(*best);
      admitted.push_back(best);
    } else if (gives_way_to(*best)) {
      Preempt(*expendable);
    } else {
      return;
    }
  }
}

// What those that run will still read is spoken for, and a block for each to write in.
bool Scheduler::HasMemoryFor(const Sequence& sequence, const RadixCache::Known& known) const {
  if (running_.empty()) return true;
  uint64_t wanted = BlockTable::BlocksFor(sequence.length() + 1) - known.held_blocks;
  for (const auto& other : running_) {
    const uint32_t all = BlockTable::BlocksFor(other->length() + kBlockTokens);
    const auto has = static_cast<uint32_t>(other->table.blocks().size());
    if (!other->paused) wanted += all - std::min(all, has);
  }
  return wanted <= allocator_.free() || wanted <= allocator_.free() + cache_.evictable();
}

void Scheduler::NoteCovered(Sequence& sequence, uint32_t covered, uint64_t copies) {
  const uint32_t before = std::exchange(sequence.computed, covered);
  if (!sequence.preempted) sequence.usage.cached_tokens += covered - before;
  if (cache_.copies() != copies) sequence.copies = cache_.copies();
}

void Scheduler::ShareKnown(Sequence& sequence) {
  const uint64_t copies = cache_.copies();
  NoteCovered(sequence,
              cache_.Share(sequence.salt, Shareable(sequence), sequence.computed, sequence.table),
              copies);
}

void Scheduler::CopyKnownTail(Sequence& sequence) {
  const uint64_t copies = cache_.copies();
  NoteCovered(
      sequence,
      cache_.CopyTail(sequence.salt, Shareable(sequence), sequence.computed, sequence.table),
      copies);
}

bool Scheduler::ReserveFromCache(BlockTable& table, uint32_t tokens) {
  while (!table.Reserve(tokens)) {
    if (!cache_.EvictOne()) return false;
  }
  return true;
}

Sequence* Scheduler::LastBehind(const Sequence& sequence) const {
  Sequence* last = nullptr;
  for (const auto& other : running_) {
    if (other.get() == &sequence || other->table.blocks().empty()) continue;
    if (!other->paused && other->GoesBefore(sequence)) continue;
    const bool later = last == nullptr ||
                       (other->paused != last->paused ? other->paused : last->GoesBefore(*other));
    if (later) last = other.get();
  }
  return last;
}

void Scheduler::Plan(uint32_t read_tokens, std::vector<Slice>& slices) {
  while (!PlanDecoding(slices)) {
  }
  while (!PlanReading(read_tokens, slices)) {
  }
}

bool Scheduler::PlanDecoding(std::vector<Slice>& slices) {
  slices.clear();
  uint32_t room = options_.max_batch_tokens;
  for (const auto& owner : running_) {
    Sequence& sequence = *owner;
    if (sequence.reading || sequence.paused || room == 0) continue;
    const uint32_t count = std::min(sequence.pending(), room);
    const uint32_t end = sequence.computed + count;
    auto guesses = static_cast<uint32_t>(sequence.draft.size());
    guesses = count < sequence.pending() ? 0 : std::min(guesses, room - count);
    if (guesses > 0 && !ReserveFromCache(sequence.table, end + guesses)) guesses = 0;
    sequence.draft.resize(guesses);
    if (!ReserveFromCache(sequence.table, end)) {
      Sequence* last = LastBehind(sequence);
      Preempt(last != nullptr ? *last : sequence);
      return false;
    }
    slices.push_back({&sequence, count});
    room -= count + guesses;
  }
  return true;
}

// The first block that it lacks is in the coming pass, or in a later one of the same sequence.
bool Scheduler::IsBeingComputed(const Sequence& sequence, const std::vector<Slice>& slices) const {
  const auto wanted = Shareable(sequence);
  const size_t end = (sequence.computed / kBlockTokens + 1) * kBlockTokens;
  if (end > wanted.size()) return false;
  const size_t worth =
      std::max<size_t>(end, sequence.computed + sequence.pending() / kWorthWaiting);
  return std::ranges::any_of(slices, [&](const Slice& slice) {
    const Sequence& other = *slice.sequence;
    return other.reading && other.salt == sequence.salt && other.tokens.size() >= worth &&
           other.computed < end &&
           std::equal(wanted.begin(), wanted.begin() + static_cast<ptrdiff_t>(worth),
                      other.tokens.begin());
  });
}

bool Scheduler::PlanReading(uint32_t read_tokens, std::vector<Slice>& slices) {
  uint32_t room = options_.max_batch_tokens;
  const bool others_write = !slices.empty();
  for (const Slice& slice : slices) {
    room -= slice.count + static_cast<uint32_t>(slice.sequence->draft.size());
  }
  room = std::min(room, read_tokens);
  candidates_.clear();
  for (const auto& sequence : running_) {
    if (sequence->reading && !sequence->paused) candidates_.push_back(sequence.get());
  }
  std::ranges::sort(candidates_, [&](const Sequence* a, const Sequence* b) {
    if (a->priority != b->priority) return a->priority > b->priority;
    const int64_t left = Urgency(*a), right = Urgency(*b);
    return left != right ? left < right : a->id < b->id;
  });
  for (Sequence* sequence : candidates_) {
    if (room == 0) return true;
    ShareKnown(*sequence);
    if (IsBeingComputed(*sequence, slices)) continue;
    CopyKnownTail(*sequence);
    if (others_write && !cache_.Arrived(sequence->copies)) continue;
    uint32_t count = std::min(sequence->pending(), room);
    // Chunks end with a block where they can: it is known to others at once.
    const uint32_t beyond = (sequence->computed + count) % kBlockTokens;
    if (count < sequence->pending() && beyond < count) count -= beyond;
    if (!ReserveFromCache(sequence->table, sequence->computed + count)) {
      // What there is will do.
      const auto blocks = static_cast<uint32_t>(sequence->table.blocks().size());
      const uint32_t possible = (blocks + allocator_.free()) * kBlockTokens;
      if (possible > sequence->computed) {
        count = std::min(count, possible - sequence->computed);
        sequence->table.Reserve(sequence->computed + count);
      } else if (Sequence* last = slices.empty() ? LastBehind(*sequence) : nullptr) {
        // Only where nothing can go on: those that are decoded give their memory back soon.
        Preempt(*last);
        return false;
      } else {
        continue;
      }
    }
    slices.push_back({sequence, count});
    room -= count;
  }
  return true;
}

void Scheduler::Computed(Sequence& sequence, uint32_t computed) {
  const uint32_t before = std::exchange(sequence.computed, computed);
  if (!sequence.reading) return;
  read_tokens_ += computed - before;
  cache_.Insert(sequence.salt, std::span(sequence.tokens).first(computed), sequence.table);
  sequence.reading = computed < sequence.length();
}

}  // namespace hearth::model
