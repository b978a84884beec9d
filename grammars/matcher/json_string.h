// The automaton of a JSON string: bytes to characters (UTF-8, escapes, surrogate pairs), characters
// to the lazy CharDfa, and a count of characters, all in one word of state and one of count.
#pragma once

#include <cstdint>

#include "grammars/matcher/byte_set.h"
#include "grammars/matcher/program.h"

namespace hearth::grammar {

class JsonString {
 public:
  enum Mode : uint32_t {
    kOpen,       // the opening quote is next
    kBody,       // between characters
    kEscape,     // after a backslash
    kUtf8,       // inside a multi-byte character
    kHex,        // inside \uXXXX
    kPairSlash,  // after a high surrogate: a backslash is next
    kPairU,      // … then u
    kPairHex,    // … then the digits of the low surrogate
    kClosed,
  };
  struct State {
    CharDfa::State chars = 0;  // 24 bits
    uint32_t mode = kOpen;     // 4
    uint32_t remaining = 0;    // 3: bytes or digits of this character still to come
    uint32_t length = 0;       // 2: of a UTF-8 character, less one
    uint32_t partial = 0;      // 21: its bits so far

    uint64_t Pack() const {
      return chars | uint64_t{mode} << 24 | uint64_t{remaining} << 28 | uint64_t{length} << 31 |
             uint64_t{partial} << 33;
    }
    static State Unpack(uint64_t s) {
      return {static_cast<uint32_t>(s & 0xffffff), static_cast<uint32_t>(s >> 24 & 15),
              static_cast<uint32_t>(s >> 28 & 7), static_cast<uint32_t>(s >> 31 & 3),
              static_cast<uint32_t>(s >> 33 & 0x1fffff)};
    }
  };

  static State Start(const StringSpec& spec) {
    return {spec.start, spec.in_body ? uint32_t{kBody} : uint32_t{kOpen}, 0, 0, 0};
  }
  // Takes a byte; false where no string goes on so (state and count are then void).
  static bool Step(const CharDfa& dfa, const StringSpec& spec, State& state, uint64_t& count,
                   uint8_t byte);
  // The same for bare text, from kBody: characters are UTF-8 alone, any of them may come, and
  // nothing closes it.
  static bool StepText(const CharDfa& dfa, const StringSpec& spec, State& state, uint64_t& count,
                       uint8_t byte);
  // Between two characters of a text that may end there.
  static bool TextMayEnd(const CharDfa& dfa, const StringSpec& spec, const State& state,
                         uint64_t count) {
    return state.mode == kBody && count >= spec.min && dfa.Accepting(state.chars);
  }
  // The bytes that StepText would take; contains a few that it would not.
  static void LiveText(const CharDfa& dfa, const StringSpec& spec, const State& state,
                       uint64_t count, ByteSet& out);
  // The bytes that Step would take; contains a few that it would not.
  static const ByteSet& Live(const State& state);

 private:
  static bool BeginUtf8(State& state, uint8_t byte);
  static bool GoOnUtf8(const CharDfa& dfa, const StringSpec& spec, State& state, uint64_t& count,
                       uint64_t room);
  static bool Finish(const CharDfa& dfa, const StringSpec& spec, State& state, uint64_t& count,
                     CodePoint c);
};

}  // namespace hearth::grammar
