// FlatMap: 64-bit keys to 32-bit values in one open-addressed array; grows, never deletes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hearth::grammar {

class FlatMap {
 public:
  static constexpr uint32_t kAbsent = UINT32_MAX;  // no value may be this

  size_t size() const { return size_; }
  void clear() {
    slots_.clear();
    size_ = 0;
  }
  uint32_t Find(uint64_t key) const {
    if (slots_.empty()) return kAbsent;
    const size_t mask = slots_.size() - 1;
    for (size_t i = Scatter(key) & mask;; i = (i + 1) & mask) {
      if (slots_[i].value == kAbsent || slots_[i].key == key) return slots_[i].value;
    }
  }
  // The key must be absent.
  void Insert(uint64_t key, uint32_t value) {
    if (size_ * 2 >= slots_.size()) Grow();
    ++size_;
    Place(key, value);
  }

 private:
  struct Slot {
    uint64_t key = 0;
    uint32_t value = kAbsent;
  };
  static size_t Scatter(uint64_t key) { return (key * 0x9e3779b97f4a7c15ull) >> 32; }
  void Place(uint64_t key, uint32_t value) {
    const size_t mask = slots_.size() - 1;
    size_t i = Scatter(key) & mask;
    while (slots_[i].value != kAbsent) i = (i + 1) & mask;
    slots_[i] = {key, value};
  }
  void Grow() {
    std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 4);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.value != kAbsent) Place(slot.key, slot.value);
    }
  }

  std::vector<Slot> slots_;  // a power of two of them
  size_t size_ = 0;
};

}  // namespace hearth::grammar
