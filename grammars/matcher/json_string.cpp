#include "grammars/matcher/json_string.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace hearth::grammar {

namespace {

int HexDigit(uint8_t b) {
  if (b >= '0' && b <= '9') return b - '0';
  if (b >= 'a' && b <= 'f') return b - 'a' + 10;
  if (b >= 'A' && b <= 'F') return b - 'A' + 10;
  return -1;
}

// The character of a short escape, or 0.
CodePoint ShortEscape(uint8_t b) {
  switch (b) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '/':
      return '/';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

// Whether \u with a number in the range spells a live character, by itself or as half of a pair.
bool HexReaches(const CharDfa& dfa, CharDfa::State q, CodePoint low, CodePoint high,
                uint64_t room) {
  if (dfa.AnyLive(q, low, high, room)) return true;  // which skips surrogates
  const CodePoint first = std::max<CodePoint>(low, 0xd800),
                  last = std::min<CodePoint>(high, 0xdbff);
  return first <= last && dfa.AnyLive(q, 0x10000 + ((first - 0xd800) << 10),
                                      0x103ff + ((last - 0xd800) << 10), room);
}

}  // namespace

bool JsonString::Finish(const CharDfa& dfa, const StringSpec& spec, State& state, uint64_t& count,
                        CodePoint c) {
  state.chars = dfa.Step(state.chars, c);
  state.mode = kBody;
  state.remaining = state.length = state.partial = 0;
  // Beyond the lower bound of a string without an upper one, the count says nothing more.
  if (spec.max != kNoLimit || count < spec.min) ++count;
  return state.chars != CharDfa::kDead && count + dfa.Shortest(state.chars) <= spec.max;
}

bool JsonString::Step(const CharDfa& dfa, const StringSpec& spec, State& state, uint64_t& count,
                      uint8_t byte) {
  // How many characters may come after the one that is being read.
  const uint64_t room = spec.max == kNoLimit ? UINT64_MAX
                        : count < spec.max   ? spec.max - count - 1
                                             : 0;
  switch (state.mode) {
    case kOpen:
      state.mode = kBody;
      return byte == '"';
    case kBody: {
      if (byte == '"') {
        state.mode = kClosed;
        return count >= spec.min && dfa.Accepting(state.chars);
      }
      if (byte < 0x20 || count >= spec.max) return false;
      if (byte == '\\') {
        state.mode = kEscape;
        if (state.chars == CharDfa::kUniversal) return true;
        for (const char* e = "\"\\/bfnrt"; *e != 0; ++e) {
          const CharDfa::State next = dfa.Step(state.chars, ShortEscape(static_cast<uint8_t>(*e)));
          if (next != CharDfa::kDead && dfa.Shortest(next) <= room) return true;
        }
        return dfa.AnyLive(state.chars, 0, kMaxCodePoint, room);
      }
      if (byte < 0x80) return Finish(dfa, spec, state, count, byte);
      if (!BeginUtf8(state, byte)) return false;
      break;
    }
    case kUtf8:
      if ((byte & 0xc0) != 0x80) return false;
      state.partial = state.partial << 6 | (byte & 0x3f);
      --state.remaining;
      break;
    case kEscape: {
      if (byte == 'u') {
        state.mode = kHex;
        state.remaining = 4;
        return dfa.AnyLive(state.chars, 0, kMaxCodePoint, room);
      }
      const CodePoint c = ShortEscape(byte);
      if (c == 0) return false;
      return Finish(dfa, spec, state, count, c);
    }
    case kHex:
    case kPairHex: {
      const int digit = HexDigit(byte);
      if (digit < 0) return false;
      if (state.mode == kHex) {
        state.partial = state.partial << 4 | static_cast<uint32_t>(digit);
        --state.remaining;
        const CodePoint low = state.partial << 4 * state.remaining;
        const CodePoint high = low + (1u << 4 * state.remaining) - 1;
        if (!HexReaches(dfa, state.chars, low, high, room)) return false;
        if (state.remaining > 0) return true;
        if (low < kFirstSurrogate || low > kLastSurrogate) {
          return Finish(dfa, spec, state, count, low);
        }
        state.mode = kPairSlash;
        return true;
      }
      // partial: ten bits of the high surrogate, then what is known of the low one's four digits.
      if (state.remaining == 4) return digit == 0xd && (--state.remaining, true);
      if (state.remaining == 3) {
        if (digit < 0xc) return false;
        state.partial = (state.partial & 0x3ff) << 2 | static_cast<uint32_t>(digit & 3);
      } else {
        state.partial = state.partial << 4 | static_cast<uint32_t>(digit);
      }
      --state.remaining;
      const CodePoint low = 0x10000 + (state.partial << 4 * state.remaining);
      if (!dfa.AnyLive(state.chars, low, low + (1u << 4 * state.remaining) - 1, room)) return false;
      return state.remaining > 0 || Finish(dfa, spec, state, count, low);
    }
    case kPairSlash:
      state.mode = kPairU;
      return byte == '\\';
    case kPairU:
      state.mode = kPairHex;
      state.remaining = 4;
      return byte == 'u';
    default:
      return false;
  }
  return GoOnUtf8(dfa, spec, state, count, room);
}

bool JsonString::BeginUtf8(State& state, uint8_t byte) {
  if (byte < 0xc2 || byte > 0xf4) return false;
  state.mode = kUtf8;
  state.length = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
  state.remaining = state.length;
  state.partial = byte & (0x3fu >> state.length);
  return true;
}

// A character begun or gone on with.
bool JsonString::GoOnUtf8(const CharDfa& dfa, const StringSpec& spec, State& state, uint64_t& count,
                          uint64_t room) {
  static constexpr CodePoint kLowest[] = {0, 0x80, 0x800, 0x10000};
  static constexpr CodePoint kHighest[] = {0, 0x7ff, 0xffff, kMaxCodePoint};
  const uint32_t shift = 6 * state.remaining;
  const CodePoint low = std::max(state.partial << shift, kLowest[state.length]);
  const CodePoint high =
      std::min((state.partial << shift) + (1u << shift) - 1, kHighest[state.length]);
  if (low > high || (low >= kFirstSurrogate && high <= kLastSurrogate)) return false;
  if (!dfa.AnyLive(state.chars, low, high, room)) return false;
  return state.remaining > 0 || Finish(dfa, spec, state, count, low);
}

bool JsonString::StepText(const CharDfa& dfa, const StringSpec& spec, State& state, uint64_t& count,
                          uint8_t byte) {
  if (count >= spec.max) return false;
  if (state.mode == kBody) {
    if (byte < 0x80) return Finish(dfa, spec, state, count, byte);
    if (!BeginUtf8(state, byte)) return false;
  } else {
    if ((byte & 0xc0) != 0x80) return false;
    state.partial = state.partial << 6 | (byte & 0x3f);
    --state.remaining;
  }
  return GoOnUtf8(dfa, spec, state, count,
                  spec.max == kNoLimit ? UINT64_MAX : spec.max - count - 1);
}

void JsonString::LiveText(const CharDfa& dfa, const StringSpec& spec, const State& state,
                          uint64_t count, ByteSet& out) {
  if (count >= spec.max) return;
  if (state.mode != kBody) {
    out.Add(0x80, 0xbf);
    return;
  }
  for (CodePoint c = 0; c < 0x80; ++c) {
    if (dfa.Step(state.chars, c) != CharDfa::kDead) out.Add(static_cast<uint8_t>(c));
  }
  if (dfa.AnyLive(state.chars, 0x80, kMaxCodePoint)) out.Add(0xc2, 0xf4);
}

const ByteSet& JsonString::Live(const State& state) {
  static const std::array<ByteSet, kClosed + 1> sets = [] {
    std::array<ByteSet, kClosed + 1> all;
    all[kOpen].Add('"');
    all[kBody].Add(0x20, 0x7f);
    all[kBody].Add(0xc2, 0xf4);
    for (const char c : std::string_view("\"\\/bfnrtu")) all[kEscape].Add(static_cast<uint8_t>(c));
    all[kUtf8].Add(0x80, 0xbf);
    for (ByteSet* hex : {&all[kHex], &all[kPairHex]}) {
      hex->Add('0', '9');
      hex->Add('a', 'f');
      hex->Add('A', 'F');
    }
    all[kPairSlash].Add('\\');
    all[kPairU].Add('u');
    return all;
  }();
  return sets[state.mode];
}

}  // namespace hearth::grammar
