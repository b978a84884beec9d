// Whitespace between JSON tokens, bounded so that no model can lose itself in it: nothing, one
// blank or tab, or a line break (LF or CR LF) and up to kMaxIndent blanks or tabs.
#pragma once

#include <cstdint>

#include "grammars/matcher/byte_set.h"

namespace hearth::grammar {

inline constexpr int kMaxIndent = 512;
// States: 0 none yet, 1 after a blank, 2 after CR, 3 + n after a line break and n blanks.
inline constexpr int kSpaceNone = 0, kSpaceBlank = 1, kSpaceReturn = 2, kSpaceLine = 3;

inline bool IsJsonSpace(uint8_t b) { return b == ' ' || b == '\n' || b == '\t' || b == '\r'; }

// The state after one more whitespace byte, or -1.
inline int StepSpace(int state, uint8_t byte) {
  const bool blank = byte == ' ' || byte == '\t';
  if (state == kSpaceNone) return blank ? kSpaceBlank : byte == '\n' ? kSpaceLine : kSpaceReturn;
  if (state == kSpaceReturn) return byte == '\n' ? kSpaceLine : -1;
  if (state >= kSpaceLine && state < kSpaceLine + kMaxIndent && blank) return state + 1;
  return -1;
}

inline bool SpaceMayEnd(int state) { return state != kSpaceReturn; }

inline void LiveSpace(int state, ByteSet& out) {
  if (state == kSpaceNone || (state >= kSpaceLine && state < kSpaceLine + kMaxIndent)) {
    out.Add(' ');
    out.Add('\t');
  }
  if (state == kSpaceNone || state == kSpaceReturn) out.Add('\n');
  if (state == kSpaceNone) out.Add('\r');
}

// States from which one token, shorter than `far`, sees the same.
inline int SpaceClass(int state, int far) {
  return state >= kSpaceLine && kSpaceLine + kMaxIndent - state > far ? kSpaceLine : state;
}

}  // namespace hearth::grammar
