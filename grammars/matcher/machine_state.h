// How the states of literal sets, objects and arrays are packed into the words of a Config.
#pragma once

#include <algorithm>
#include <cstdint>
#include <tuple>

#include "grammars/matcher/program.h"
#include "grammars/regex/sorted_literals.h"

namespace hearth::grammar {

// Literal sets: a range of the sorted entries that agree so far, and how many bytes that is.
struct LiteralState {
  uint64_t low, high, depth;
  static LiteralState Unpack(uint64_t s) { return {s & 0xffffff, s >> 24 & 0xffffff, s >> 48}; }
  uint64_t Pack() const { return low | high << 24 | depth << 48; }
};

// Narrows the range to the entries that go on with the byte.
inline void Narrow(const LiteralSet& set, LiteralState& s, uint8_t byte) {
  std::tie(s.low, s.high) = WithUnit(set.entries, s.low, s.high, s.depth, byte);
  ++s.depth;
}

// Objects: phase 4 bits, whitespace 12, value 16, position 16; the count of properties is in the
// high half of extra where it matters, the keys seen (any order) or nothing in the rest.
inline constexpr int kSpaceShift = 4, kValueShift = 16, kPositionShift = 32;
inline constexpr uint64_t kExtraValue = 0x8000;

inline uint64_t ObjectState(uint64_t phase, uint64_t space, uint64_t value, uint64_t position) {
  return phase | space << kSpaceShift | value << kValueShift | position << kPositionShift;
}
inline uint64_t PhaseOf(uint64_t s) { return s & 15; }
inline uint64_t SpaceOf(uint64_t s) { return s >> kSpaceShift & 0xfff; }
inline uint64_t ValueOf(uint64_t s) { return s >> kValueShift & 0xffff; }
inline uint64_t PositionOf(uint64_t s) { return s >> kPositionShift & 0xffff; }
inline uint64_t CountOf(uint64_t state) { return state >> 48; }  // saturating at 65535
inline uint64_t WithCount(uint64_t state, uint64_t count) {
  return (state & 0xffffffffffffull) | std::min<uint64_t>(count, 0xffff) << 48;
}
inline uint64_t WithPhase(uint64_t state, uint64_t phase) {
  return (state & ~uint64_t{0xffff}) | phase;
}
inline uint64_t WithSpace(uint64_t state, uint64_t space) {
  return (state & ~(uint64_t{0xfff} << kSpaceShift)) | space << kSpaceShift;
}

// Arrays: phase 4, whitespace 12, items 32; extra: unique values used, or how many items counted
// for `contains`.
inline uint64_t ItemsOf(uint64_t s) { return s >> 16 & 0xffffffff; }

}  // namespace hearth::grammar
