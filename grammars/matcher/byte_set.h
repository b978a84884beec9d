// ByteSet: a set of byte values.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace hearth::grammar {

struct ByteSet {
  std::array<uint64_t, 4> words{};

  void Add(uint8_t b) { words[b >> 6] |= uint64_t{1} << (b & 63); }
  void Add(uint8_t low, uint8_t high) {
    for (unsigned b = low; b <= high; ++b) Add(static_cast<uint8_t>(b));
  }
  void Add(const ByteSet& other) {
    for (size_t i = 0; i < 4; ++i) words[i] |= other.words[i];
  }
  bool Has(uint8_t b) const { return words[b >> 6] >> (b & 63) & 1; }
  int Count() const {
    int n = 0;
    for (uint64_t w : words) n += std::popcount(w);
    return n;
  }
  // The smallest member; call with a set that is not empty.
  uint8_t First() const {
    for (size_t i = 0; i < 4; ++i) {
      if (words[i] != 0)
        return static_cast<uint8_t>(i * 64 + static_cast<size_t>(std::countr_zero(words[i])));
    }
    return 0;
  }
  bool operator==(const ByteSet&) const = default;
};

}  // namespace hearth::grammar
