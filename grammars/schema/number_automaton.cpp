#include "grammars/schema/number_automaton.h"

#include <algorithm>
#include <map>

namespace hearth::grammar {

namespace {

constexpr size_t kMaxStates = 60'000;

enum Phase : uint8_t { kStart, kMinus, kZero, kWhole, kDot, kFraction, kExponent, kSign, kDigits };

// One sign's share of the range, as bounds on the magnitude.
struct Side {
  bool possible = true;
  std::optional<Decimal> low, high;
  bool low_open = false, high_open = false;
  bool unbounded() const { return !high && (!low || (low->IsZero() && !low_open)); }
};

struct State {
  Phase phase = kStart;
  uint8_t negative = 0;
  uint8_t broken = 0;        // a digit of the fraction is not zero
  uint32_t digits = 0;       // of the whole part, then of the fraction; capped
  int8_t low = 0, high = 0;  // how the digits so far compare with the bounds
  uint64_t rest = 0;         // modulo step
  auto operator<=>(const State&) const = default;
};

class Automaton {
 public:
  explicit Automaton(const NumberRange& r) : range_(r) {
    positive_ = {!r.high || !r.high->negative, {}, r.high, false, r.high_open};
    if (r.low && !r.low->negative) {
      positive_.low = r.low;
      positive_.low_open = r.low_open;
    }
    negative_.possible = !r.low || r.low->negative || r.low->IsZero();
    if (r.low) negative_.high = r.low->Negated();
    negative_.high_open = r.low_open;
    if (r.high && (r.high->negative || r.high->IsZero())) {
      negative_.low = r.high->Negated();
      negative_.low_open = r.high_open;
    }
    for (const Side* side : {&positive_, &negative_}) {
      for (const auto* bound : {&side->low, &side->high}) {
        if (!*bound) continue;
        whole_cap_ = std::max(whole_cap_, static_cast<uint32_t>((*bound)->whole.size()));
        fraction_cap_ = std::max(fraction_cap_, static_cast<uint32_t>((*bound)->fraction.size()));
      }
    }
    fraction_cap_ = std::max(fraction_cap_, r.step != 0 ? r.scale : 0);
  }

  // Byte classes: 0-9, then these; 15 is everything else.
  static constexpr uint32_t kMinusByte = 10, kPlusByte = 11, kDotByte = 12, kExponentByte = 13;
  static constexpr uint32_t kClasses = 15, kOther = 14;

  bool Accepts(const State& s) const {
    if (s.phase == kDigits) return true;
    if (s.phase != kZero && s.phase != kWhole && s.phase != kFraction) return false;
    if (range_.fraction && !s.broken) return false;
    const State v = s.phase == kFraction ? s : Ended(s);
    const Side& side = SideOf(s);
    if (side.low) {
      const bool equal = v.low == 0 && v.digits >= side.low->fraction.size();
      if (v.low < 0 || (v.low == 0 && !equal) || (equal && side.low_open)) return false;
    }
    if (side.high) {
      const bool equal = v.high == 0 && v.digits >= side.high->fraction.size();
      if (v.high > 0 || (equal && side.high_open)) return false;
    }
    if (range_.step == 0) return true;
    unsigned __int128 rest = v.rest;
    for (uint32_t i = v.digits; i < range_.scale; ++i) rest = rest * 10 % range_.step;
    return rest == 0;
  }

  // False where nothing follows.
  bool Next(const State& s, uint32_t symbol, State& out) const {
    out = s;
    const bool digit = symbol < 10;
    switch (s.phase) {
      case kStart:
        if (symbol == kMinusByte && negative_.possible) {
          out.phase = kMinus;
          out.negative = 1;
          return true;
        }
        if (!digit || !positive_.possible) return false;
        return WholeDigit(s, symbol, out);
      case kMinus:
        return digit && WholeDigit(s, symbol, out);
      case kZero:
      case kWhole:
        if (digit) return s.phase == kWhole && WholeDigit(s, symbol, out);
        if (symbol == kDotByte && !range_.plain) {
          out = Ended(s);
          out.phase = kDot;
          return true;
        }
        return symbol == kExponentByte && BeginExponent(s, out);
      case kDot:
      case kFraction:
        if (digit) return FractionDigit(s, symbol, out);
        return s.phase == kFraction && symbol == kExponentByte && BeginExponent(s, out);
      case kExponent:
        if (symbol == kPlusByte || (symbol == kMinusByte && (!range_.integer || !Free(s)))) {
          out.phase = kSign;
          return true;
        }
        [[fallthrough]];
      case kSign:
      case kDigits:
        out.phase = kDigits;
        return digit && (symbol == 0 || Free(s));
    }
    return false;
  }

 private:
  const Side& SideOf(const State& s) const { return s.negative ? negative_ : positive_; }
  bool Free(const State& s) const {
    return range_.step == 0 && !range_.fraction && SideOf(s).unbounded();
  }

  bool BeginExponent(const State& s, State& out) const {
    if (range_.plain || !Accepts(s)) return false;
    out = {};
    out.phase = kExponent;
    out.negative = s.negative;
    return true;
  }

  static int8_t Compare(int8_t before, uint32_t digit, char bound) {
    if (before != 0) return before;
    const auto other = static_cast<uint32_t>(bound - '0');
    return digit < other ? -1 : digit > other ? 1 : 0;
  }

  bool WholeDigit(const State& s, uint32_t digit, State& out) const {
    out.phase = s.phase != kWhole && digit == 0 ? kZero : kWhole;
    const Side& side = SideOf(s);
    const auto step = [&](const std::optional<Decimal>& bound, int8_t before) -> int8_t {
      if (!bound) return 0;
      return s.digits < bound->whole.size() ? Compare(before, digit, bound->whole[s.digits])
                                            : int8_t{1};
    };
    out.low = step(side.low, s.low);
    out.high = step(side.high, s.high);
    out.digits = std::min(s.digits + 1, whole_cap_ + 1);
    if (range_.step != 0) out.rest = MulAdd(s.rest, digit);
    return true;
  }

  bool FractionDigit(const State& s, uint32_t digit, State& out) const {
    if (digit != 0 && (range_.integer || (range_.step != 0 && s.digits >= range_.scale)))
      return false;
    out.phase = kFraction;
    if (range_.fraction && digit != 0) out.broken = 1;
    const Side& side = SideOf(s);
    const auto step = [&](const std::optional<Decimal>& bound, int8_t before) -> int8_t {
      if (!bound) return 0;
      return Compare(before, digit,
                     s.digits < bound->fraction.size() ? bound->fraction[s.digits] : '0');
    };
    out.low = step(side.low, s.low);
    out.high = step(side.high, s.high);
    if (range_.step != 0 && s.digits < range_.scale) out.rest = MulAdd(s.rest, digit);
    out.digits = std::min(s.digits + 1, fraction_cap_);
    return true;
  }

  uint64_t MulAdd(uint64_t rest, uint32_t digit) const {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(rest) * 10 + digit) % range_.step);
  }

  // The whole part is complete: fewer digits than the bound's is less, more is greater.
  State Ended(const State& s) const {
    State out = s;
    const Side& side = SideOf(s);
    const auto settle = [&](const std::optional<Decimal>& bound, int8_t before) -> int8_t {
      if (!bound) return 0;
      return s.digits < bound->whole.size() ? -1 : s.digits > bound->whole.size() ? 1 : before;
    };
    out.low = settle(side.low, s.low);
    out.high = settle(side.high, s.high);
    out.digits = 0;
    return out;
  }

  const NumberRange& range_;
  Side positive_, negative_;
  uint32_t whole_cap_ = 0, fraction_cap_ = 0;
};

}  // namespace

Result<ByteDfa> BuildNumberAutomaton(const NumberRange& range) {
  const Automaton automaton(range);
  std::map<State, uint32_t> ids{{State{}, 0}};
  std::vector<State> states{State{}};
  std::vector<uint32_t> next;  // index + 1, or 0
  for (size_t i = 0; i < states.size(); ++i) {
    if (states.size() > kMaxStates) {
      return MakeError(ErrorCode::kResourceExhausted,
                       "unsupported: bounds or multipleOf of a number that need over ", kMaxStates,
                       " states");
    }
    for (uint32_t symbol = 0; symbol < Automaton::kClasses; ++symbol) {
      State to;
      if (symbol == Automaton::kOther || !automaton.Next(states[i], symbol, to)) {
        next.push_back(0);
        continue;
      }
      const auto [it, fresh] = ids.emplace(to, static_cast<uint32_t>(states.size()));
      if (fresh) states.push_back(to);
      next.push_back(it->second + 1);
    }
  }
  // Keep what can still reach an accepted number.
  std::vector<uint8_t> live(states.size());
  for (size_t i = 0; i < states.size(); ++i) live[i] = automaton.Accepts(states[i]);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = states.size(); i-- > 0;) {
      for (uint32_t c = 0; c < Automaton::kClasses && !live[i]; ++c) {
        const uint32_t to = next[i * Automaton::kClasses + c];
        if (to != 0 && live[to - 1]) live[i] = changed = true;
      }
    }
  }
  ByteDfa dfa;
  if (!live[0]) return dfa;
  dfa.classes = Automaton::kClasses;
  dfa.byte_class.fill(Automaton::kOther);
  for (unsigned d = 0; d < 10; ++d) dfa.byte_class['0' + d] = static_cast<uint8_t>(d);
  dfa.byte_class['-'] = Automaton::kMinusByte;
  dfa.byte_class['+'] = Automaton::kPlusByte;
  dfa.byte_class['.'] = Automaton::kDotByte;
  dfa.byte_class['e'] = dfa.byte_class['E'] = Automaton::kExponentByte;
  std::vector<uint32_t> renumbered(states.size());
  uint32_t count = 1;
  for (size_t i = 0; i < states.size(); ++i) {
    if (live[i]) renumbered[i] = count++;
  }
  dfa.next.assign(size_t{count} * dfa.classes, 0);
  dfa.accepting.assign(count, 0);
  for (size_t i = 0; i < states.size(); ++i) {
    if (!live[i]) continue;
    dfa.accepting[renumbered[i]] = automaton.Accepts(states[i]);
    for (uint32_t c = 0; c < dfa.classes; ++c) {
      const uint32_t to = next[i * dfa.classes + c];
      if (to != 0 && live[to - 1]) dfa.next[renumbered[i] * dfa.classes + c] = renumbered[to - 1];
    }
  }
  dfa.Finish();
  return dfa;
}

}  // namespace hearth::grammar
