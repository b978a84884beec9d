// Derivatives of expressions.
#include <algorithm>
#include <string>

#include "grammars/regex/expression.h"
#include "grammars/regex/sorted_literals.h"

namespace hearth::grammar {

namespace {
// Derivatives recurse over the expression; deeper ones than any parser builds are cut off.
constexpr int kMaxDeriveDepth = 20'000;
// Derivatives that are remembered.
constexpr size_t kMaxDerived = 40'000;
// What one that is not costs, in looks at one that is.
constexpr size_t kDeriveWork = 3;
}  // namespace

ExprId ExpressionStore::Derive(ExprId e, CodePoint c) {
  if (derived_.size() > kMaxDerived) derived_.clear();
  derive_depth_ = 0;
  return DeriveUncached(e, c);
}

ExprId ExpressionStore::DeriveUncached(ExprId e, CodePoint c) {
  if (e == kAll) return kAll;
  ++work_;
  const Node node = nodes_[e];
  switch (node.op) {
    case Op::kNone:
    case Op::kEpsilon:
      return kNone;
    case Op::kClass:
      return classes_[node.a].Contains(c) ? kEpsilon : kNone;
    case Op::kLeap:
      return LeapStep(node, c);
    case Op::kLiterals: {
      const auto [first, last] =
          WithUnit(literal_sets_[node.a], node.low, node.high, node.depth, c);
      return LiteralRange(node.a, first, last, node.depth + 1);
    }
    default:
      break;
  }
  const uint64_t key = uint64_t{e} << 32 | c;
  if (const uint32_t known = derived_.Find(key); known != FlatMap::kAbsent) return known;
  work_ += kDeriveWork;
  if (++derive_depth_ > kMaxDeriveDepth) {
    exhausted_ = true;
    --derive_depth_;
    return kNone;
  }
  ExprId out = kNone;
  switch (node.op) {
    case Op::kConcat: {
      const ExprId first = Concat(DeriveUncached(node.a, c), node.b);
      out = nodes_[node.a].nullable ? Alt({first, DeriveUncached(node.b, c)}) : first;
      break;
    }
    case Op::kAlt:
    case Op::kAnd: {
      const auto operands = Operands(node);
      std::vector<ExprId> copy(operands.begin(), operands.end());  // interning moves the pool
      std::vector<ExprId> parts;
      for (ExprId part : copy) {
        const ExprId derived = DeriveUncached(part, c);
        if (node.op == Op::kAnd && derived == kNone) {
          parts.assign(1, kNone);
          break;
        }
        if (derived != kNone) parts.push_back(derived);
      }
      out = node.op == Op::kAlt ? Alt(std::move(parts)) : And(std::move(parts));
      break;
    }
    case Op::kNot:
      out = Not(DeriveUncached(node.a, c));
      break;
    case Op::kRepeat: {
      const ExprId head = DeriveUncached(node.a, c);
      if (head != kNone) {
        const uint32_t min = node.low == 0 ? 0 : node.low - 1;
        const uint32_t max = node.high == kUnbounded ? kUnbounded : node.high - 1;
        out = Concat(head, Repeat(node.a, min, max));
      }
      break;
    }
    default:
      break;
  }
  --derive_depth_;
  derived_.Insert(key, out);
  return out;
}

ExprId ExpressionStore::LeapSecond() { return Intern({.op = Op::kLeap}); }

// depth: characters of "HH:MM:60" taken; 8 before the fraction, 9 after its dot, 10 within it.
// low: the digits of the time so far, as a number.
ExprId ExpressionStore::LeapStep(const Node& node, CodePoint c) {
  Node next = node;
  ++next.depth;
  const bool digit = c >= '0' && c <= '9';
  const uint32_t value = c - '0';
  switch (node.depth) {
    case 0:
    case 1:
    case 3:
    case 4: {
      static constexpr uint32_t kHighest[] = {2, 9, 0, 5, 9};
      if (!digit || value > kHighest[node.depth]) return kNone;
      if (node.depth == 1 && node.low == 2 && value > 3) return kNone;
      next.low = node.low * 10 + value;
      return Intern(next);
    }
    case 2:
    case 5:
      return c == ':' ? Intern(next) : kNone;
    case 6:
      return c == '6' ? Intern(next) : kNone;
    case 7:
      return c == '0' ? Intern(next) : kNone;
    case 8:
      if (c == '.') return Intern(next);
      break;
    default:
      next.depth = 10;
      if (digit) return Intern(next);
      if (node.depth == 9) return kNone;
      break;
  }
  constexpr uint32_t kDay = 24 * 60, kLast = kDay - 1;
  const uint32_t local = node.low / 100 * 60 + node.low % 100;
  if (c == 'Z' || c == 'z') return local == kLast ? kEpsilon : kNone;
  if (c != '+' && c != '-') return kNone;
  const uint32_t ahead = (local + kDay - kLast) % kDay;  // of UTC
  const uint32_t offset = c == '+' ? ahead : (kDay - ahead) % kDay;
  const auto text = [](uint32_t n) { return std::u32string{U'0' + n / 10, U'0' + n % 10}; };
  return Literal(text(offset / 60) + U":" + text(offset % 60));
}

}  // namespace hearth::grammar
