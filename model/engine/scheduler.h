// Scheduler: which sequences are in the next pass, with how many tokens, and in which memory.
//
// Continuous batching: each pass holds the tokens of all sequences that are decoded and, in the
// room that is left, chunks of those that are still read. Among these the one with the least left
// goes first, less a quarter of what has been read for others while it waited, so that none waits
// for ever. One whose next block another computes in this very pass sits it out and shares it.
//
// Memory is taken as it is used. Where none is left the cache gives up what was used longest ago,
// and then a sequence that comes after (of lower priority, or later) loses its place: it waits
// again, and what it had computed stays in the cache for as long as the room is not wanted, or
// behind it on the host. A sequence whose KV is on its way from there does not make others wait for
// it that are decoded: it sits their passes out.
//
// Not thread-safe, and deterministic: no clock (but for when such copies are made).
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "model/cache/radix_cache.h"
#include "model/engine/sequence.h"

namespace hearth::model {

struct SchedulerOptions {
  uint32_t max_sequences = 16;
  uint32_t max_batch_tokens = 512;
};

class Scheduler {
 public:
  // The allocator and the cache must outlive it.
  Scheduler(const SchedulerOptions& options, BlockAllocator& allocator, RadixCache& cache)
      : options_(options), allocator_(allocator), cache_(cache) {}

  void Add(std::unique_ptr<Sequence> sequence);
  // Takes it out and leaves its KV to the cache; the sequence is gone.
  void Remove(Sequence& sequence);

  // Takes waiting sequences in, by priority and then by how much must be read. `admitted` gets
  // them.
  void Admit(std::vector<Sequence*>& admitted);

  // tokens [computed, computed + count) of the sequence, and its draft behind them. The blocks are
  // there.
  struct Slice {
    Sequence* sequence;
    uint32_t count;
  };
  // The next pass: at most `read_tokens` of those that are read. A draft that has no room is cut.
  void Plan(uint32_t read_tokens, std::vector<Slice>& slices);
  // The pass was run; `computed` tokens of the slice's sequence (its text may have grown) have
  // their KV now.
  void Computed(Sequence& sequence, uint32_t computed);

  const std::vector<std::unique_ptr<Sequence>>& running() const { return running_; }
  const std::deque<std::unique_ptr<Sequence>>& waiting() const { return waiting_; }
  uint64_t preemptions() const { return preemptions_; }

 private:
  bool PlanDecoding(std::vector<Slice>& slices);  // false: someone lost their place, plan anew
  bool PlanReading(uint32_t read_tokens, std::vector<Slice>& slices);  // likewise
  Sequence* MostExpendable() const;
  bool HasMemoryFor(const Sequence& sequence, const RadixCache::Known& known) const;
  bool ReserveFromCache(BlockTable& table, uint32_t tokens);
  // Who must give way to it first, or null.
  Sequence* LastBehind(const Sequence& sequence) const;
  void Preempt(Sequence& sequence);
  void LeaveToCache(Sequence& sequence);
  void ShareKnown(Sequence& sequence);
  void CopyKnownTail(Sequence& sequence);
  // `covered` of its tokens are, after `copies` had been asked for before.
  void NoteCovered(Sequence& sequence, uint32_t covered, uint64_t copies);
  bool IsBeingComputed(const Sequence& sequence, const std::vector<Slice>& slices) const;
  int64_t Urgency(const Sequence& sequence) const;
  std::unique_ptr<Sequence> Take(Sequence& sequence);

  const SchedulerOptions options_;
  BlockAllocator& allocator_;
  RadixCache& cache_;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<std::unique_ptr<Sequence>> running_;
  std::vector<Sequence*> candidates_;
  uint64_t read_tokens_ = 0;  // of all sequences so far
  uint64_t preemptions_ = 0;
};

}  // namespace hearth::model
