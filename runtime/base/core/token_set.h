// TokenSet: the tokens that may come next, in the cheapest form that describes them.
//
// The grammar engine fills one and the sampler (on the CPU or the GPU) reads it; it lies in
// base/core because those two rooms do not know each other. It is a view: whoever filled it owns
// the memory, which stays valid until that owner's next Accept, Rollback or Fill.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace hearth {

using TokenId = int32_t;

struct TokenSet {
  enum class Kind : uint8_t {
    kOne,          // exactly `one`: sampling can be skipped
    kList,         // `list`, ascending, without duplicates
    kBaseAndList,  // the tokens of `bits` (a mask that does not change, named `base_id`, so that a
                   // device may keep it) and those of `list`
    kBitmask,      // `bits`: bit t % 32 of word t / 32
  };
  Kind kind = Kind::kBitmask;
  TokenId one = -1;
  uint32_t base_id = 0;
  std::span<const TokenId> list;
  std::span<const uint32_t> bits;

  bool Contains(TokenId id) const {
    const auto in_bits = [&] {
      const auto word = static_cast<size_t>(id) / 32;
      return word < bits.size() && (bits[word] >> (id % 32) & 1) != 0;
    };
    switch (kind) {
      case Kind::kOne:
        return id == one;
      case Kind::kList:
        return std::binary_search(list.begin(), list.end(), id);
      case Kind::kBaseAndList:
        return in_bits() || std::binary_search(list.begin(), list.end(), id);
      case Kind::kBitmask:
        return in_bits();
    }
    return false;
  }

  // Writes the full form; `out` has one bit per token of the vocabulary, rounded up to words.
  void ToBitmask(std::span<uint32_t> out) const {
    const auto set = [&](TokenId id) { out[static_cast<size_t>(id) / 32] |= 1u << (id % 32); };
    const bool from_bits = kind == Kind::kBaseAndList || kind == Kind::kBitmask;
    const size_t copied = from_bits ? std::min(out.size(), bits.size()) : 0;
    if (copied != 0) std::memcpy(out.data(), bits.data(), copied * sizeof(uint32_t));
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(copied), out.end(), 0u);
    if (kind == Kind::kOne) set(one);
    if (kind == Kind::kList || kind == Kind::kBaseAndList) {
      for (TokenId id : list) set(id);
    }
  }
};

}  // namespace hearth
