#include "grammars/regex/expression.h"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <unordered_set>

#include "grammars/matcher/fingerprint.h"

namespace hearth::grammar {

namespace {
// Derivatives recurse over the expression; deeper ones than any parser builds are cut off.
constexpr int kMaxDeriveDepth = 20'000;
// Derivatives that are remembered.
constexpr size_t kMaxDerived = 40'000;
// What one that is not costs, in looks at one that is.
constexpr size_t kDeriveWork = 3;
}  // namespace

ExpressionStore::ExpressionStore() {
  Intern({.op = Op::kNone});
  Intern({.op = Op::kEpsilon, .nullable = true});
  Node all{.op = Op::kNot, .nullable = true, .open = true, .a = kNone};
  Intern(all);
  any_char_ = Class(CodePointSet::Everything());
}

ExprId ExpressionStore::Intern(Node node) {
  uint64_t hash = MixFingerprint(static_cast<uint64_t>(node.op) + 101, node.low);
  hash = MixFingerprint(hash, static_cast<uint64_t>(node.high) << 32 | node.depth);
  switch (node.op) {
    case Op::kClass:
      for (const auto& r : classes_[node.a].ranges()) {
        hash = MixFingerprint(hash, static_cast<uint64_t>(r.low) << 32 | r.high);
      }
      break;
    case Op::kConcat:
      hash = MixFingerprint(MixFingerprint(hash, nodes_[node.a].hash), nodes_[node.b].hash);
      break;
    case Op::kNot:
    case Op::kRepeat:
      if (!nodes_.empty()) hash = MixFingerprint(hash, nodes_[node.a].hash);
      break;
    case Op::kAlt:
    case Op::kAnd: {
      uint64_t sum = 0;  // operands are a set: the order of their ids must not show
      for (ExprId part : Operands(node)) sum += MixFingerprint(nodes_[part].hash, 7);
      hash = MixFingerprint(hash, sum);
      break;
    }
    case Op::kLiterals:
      hash = MixFingerprint(hash, literal_hashes_[node.a]);
      break;
    default:
      break;
  }
  node.hash = hash;
  node.shortest = ShortestOf(node);
  if (const uint32_t known = interned_.Find(hash); known != FlatMap::kAbsent) {
    if (node.op == Op::kAlt || node.op == Op::kAnd) operands_.resize(node.a);
    return known;
  }
  if (nodes_.size() >= kMaxNodes) {
    exhausted_ = true;
    return kNone;
  }
  const auto id = static_cast<ExprId>(nodes_.size());
  nodes_.push_back(node);
  interned_.Insert(hash, id);
  return id;
}

uint32_t ExpressionStore::ShortestOf(const Node& node) const {
  constexpr uint64_t kMost = 1 << 30;
  uint64_t shortest = 0;
  switch (node.op) {
    case Op::kClass:
      return 1;
    case Op::kConcat:
      shortest = uint64_t{nodes_[node.a].shortest} + nodes_[node.b].shortest;
      break;
    case Op::kRepeat:
      shortest = uint64_t{nodes_[node.a].shortest} * node.low;
      break;
    case Op::kAlt:
      shortest = kMost;
      for (ExprId part : Operands(node))
        shortest = std::min<uint64_t>(shortest, nodes_[part].shortest);
      break;
    case Op::kAnd:
      for (ExprId part : Operands(node))
        shortest = std::max<uint64_t>(shortest, nodes_[part].shortest);
      break;
    case Op::kLiterals:
      return node.nullable ? 0 : 1;
    case Op::kLeap:
      return node.depth < 8 ? 9 - node.depth : 1;
    default:
      break;
  }
  return static_cast<uint32_t>(std::min(shortest, kMost));
}

ExprId ExpressionStore::Class(const CodePointSet& set) {
  if (set.empty()) return kNone;
  classes_.push_back(set);
  const size_t before = nodes_.size();
  const ExprId id = Intern({.op = Op::kClass, .a = static_cast<uint32_t>(classes_.size() - 1)});
  if (nodes_.size() == before) classes_.pop_back();
  return id;
}

ExprId ExpressionStore::Literal(std::u32string_view text) {
  ExprId out = kEpsilon;
  for (size_t i = text.size(); i-- > 0;) out = Concat(Char(text[i]), out);
  return out;
}

ExprId ExpressionStore::Literals(std::vector<std::u32string> strings) {
  std::sort(strings.begin(), strings.end());
  strings.erase(std::unique(strings.begin(), strings.end()), strings.end());
  uint64_t hash = 17;
  for (const auto& s : strings) {
    hash = MixFingerprint(hash, FingerprintBytes({reinterpret_cast<const char*>(s.data()),
                                                  s.size() * sizeof(char32_t)}));
  }
  const auto count = static_cast<uint32_t>(strings.size());
  literal_sets_.push_back(std::move(strings));
  literal_hashes_.push_back(hash);
  return LiteralRange(static_cast<uint32_t>(literal_sets_.size() - 1), 0, count, 0);
}

ExprId ExpressionStore::LiteralRange(uint32_t set, uint32_t low, uint32_t high, uint32_t depth) {
  if (low >= high) return kNone;
  const auto& strings = literal_sets_[set];
  const bool nullable = strings[low].size() == depth;
  if (high - low == 1 && nullable) return kEpsilon;
  return Intern({.op = Op::kLiterals,
                 .nullable = nullable,
                 .a = set,
                 .low = low,
                 .high = high,
                 .depth = depth});
}

ExprId ExpressionStore::Concat(ExprId a, ExprId b) {
  if (a == kNone || b == kNone) return kNone;
  if (a == kEpsilon) return b;
  if (b == kEpsilon) return a;
  if (a == kAll && b == kAll) return kAll;
  if (nodes_[a].op == Op::kConcat) {
    const uint32_t head = nodes_[a].a;
    return Concat(head, Concat(nodes_[a].b, b));
  }
  if (a == kAll && nodes_[b].op == Op::kConcat && nodes_[b].a == kAll) return b;
  return Intern(
      {.op = Op::kConcat,
       .nullable = nodes_[a].nullable && nodes_[b].nullable,
       .positive = nodes_[a].positive && nodes_[b].positive,
       .open = nodes_[b].positive && (nodes_[a].open || (a == any_char_ && nodes_[b].open)),
       .a = a,
       .b = b});
}

ExprId ExpressionStore::Nary(Op op, std::vector<ExprId> parts) {
  Node node{.op = op};
  node.a = static_cast<uint32_t>(operands_.size());
  node.b = static_cast<uint32_t>(parts.size());
  node.nullable = op == Op::kAnd;
  node.positive = op == Op::kAlt;
  bool all_open = true;
  int demanding = 0;
  for (ExprId part : parts) {
    operands_.push_back(part);
    if (op == Op::kAlt) {
      node.nullable = node.nullable || nodes_[part].nullable;
      node.positive = node.positive && nodes_[part].positive;
      node.open = node.open || nodes_[part].open;
    } else {
      node.nullable = node.nullable && nodes_[part].nullable;
      // What is left of an open language is infinite: without finitely many words it is open still.
      const Op without = nodes_[part].op == Op::kNot ? nodes_[nodes_[part].a].op : Op::kNone;
      const bool cofinite = without == Op::kLiterals || without == Op::kEpsilon;
      if (!cofinite) ++demanding;
      all_open = all_open && nodes_[part].open;
    }
  }
  if (op == Op::kAnd) node.open = all_open && demanding <= 1;
  return Intern(node);
}

ExprId ExpressionStore::Alt(std::vector<ExprId> parts) {
  std::vector<ExprId> flat;
  CodePointSet merged;
  for (ExprId part : parts) {
    if (part == kAll) return kAll;
    if (part == kNone) continue;
    if (nodes_[part].op == Op::kAlt) {
      const auto inner = Operands(nodes_[part]);
      flat.insert(flat.end(), inner.begin(), inner.end());
    } else {
      flat.push_back(part);
    }
  }
  std::erase_if(flat, [&](ExprId part) {
    if (nodes_[part].op != Op::kClass) return false;
    merged.Add(classes_[nodes_[part].a]);
    return true;
  });
  if (!merged.empty()) flat.push_back(Class(merged));
  std::sort(flat.begin(), flat.end());
  flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
  // The empty string adds nothing beside another nullable part.
  if (flat.size() > 1 && flat[0] == kEpsilon &&
      std::any_of(flat.begin() + 1, flat.end(), [&](ExprId p) { return nodes_[p].nullable; })) {
    flat.erase(flat.begin());
  }
  if (flat.empty()) return kNone;
  if (flat.size() == 1) return flat[0];
  for (ExprId part : flat) {
    if (nodes_[part].op == Op::kNot && std::binary_search(flat.begin(), flat.end(), nodes_[part].a))
      return kAll;
  }
  return Nary(Op::kAlt, std::move(flat));
}

ExprId ExpressionStore::And(std::vector<ExprId> parts) {
  std::vector<ExprId> flat;
  bool needs_empty = false;
  for (ExprId part : parts) {
    if (part == kNone) return kNone;
    if (part == kAll) continue;
    if (part == kEpsilon) needs_empty = true;
    if (nodes_[part].op == Op::kAnd) {
      const auto inner = Operands(nodes_[part]);
      flat.insert(flat.end(), inner.begin(), inner.end());
    } else {
      flat.push_back(part);
    }
  }
  std::sort(flat.begin(), flat.end());
  flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
  if (needs_empty) {
    const bool all =
        std::all_of(flat.begin(), flat.end(), [&](ExprId p) { return nodes_[p].nullable; });
    return all ? kEpsilon : kNone;
  }
  if (flat.empty()) return kAll;
  if (flat.size() == 1) return flat[0];
  for (ExprId part : flat) {
    if (nodes_[part].op == Op::kNot && std::binary_search(flat.begin(), flat.end(), nodes_[part].a))
      return kNone;
  }
  return Nary(Op::kAnd, std::move(flat));
}

ExprId ExpressionStore::Not(ExprId a) {
  if (a == kNone) return kAll;
  if (a == kAll) return kNone;
  if (nodes_[a].op == Op::kNot) return nodes_[a].a;
  const Op op = nodes_[a].op;
  return Intern({.op = Op::kNot,
                 .nullable = !nodes_[a].nullable,
                 .positive = false,
                 .open = op == Op::kLiterals || op == Op::kEpsilon,
                 .a = a});
}

ExprId ExpressionStore::Repeat(ExprId a, uint32_t min, uint32_t max) {
  if (max == 0 || a == kEpsilon) return kEpsilon;
  if (min > max) return kNone;
  if (a == kNone) return min == 0 ? kEpsilon : kNone;
  if (min == 1 && max == 1) return a;
  if (a == kAll) return kAll;
  if (nodes_[a].nullable) min = 0;
  if (a == any_char_ && min == 0 && max == kUnbounded) return kAll;
  if (nodes_[a].op == Op::kRepeat && nodes_[a].low == 0 && nodes_[a].high == kUnbounded) return a;
  return Intern({.op = Op::kRepeat,
                 .nullable = min == 0,
                 .positive = nodes_[a].positive,
                 .open = a == any_char_ && max == kUnbounded,
                 .a = a,
                 .low = min,
                 .high = max});
}

ExprId ExpressionStore::Import(const ExpressionStore& from, ExprId e) {
  // Parts are older than what is made of them, so their numbers are smaller.
  std::vector<ExprId> own(e + size_t{1}, kNone);
  std::vector<bool> needed(e + size_t{1});
  needed[e] = true;
  const auto parts_of = [&](const Node& node, auto&& visit) {
    switch (node.op) {
      case Op::kConcat:
        visit(node.a);
        visit(node.b);
        break;
      case Op::kNot:
      case Op::kRepeat:
        visit(node.a);
        break;
      case Op::kAlt:
      case Op::kAnd:
        for (const ExprId part : from.Operands(node)) visit(part);
        break;
      default:
        break;
    }
  };
  for (ExprId id = e; id > kAll; --id) {
    if (needed[id]) parts_of(from.nodes_[id], [&](ExprId part) { needed[part] = true; });
  }
  std::map<uint32_t, uint32_t> sets;  // of literals, that of each of theirs
  for (ExprId id = kEpsilon; id <= e; ++id) {
    if (id <= kAll) {
      own[id] = id;
      continue;
    }
    if (!needed[id]) continue;
    Node node = from.nodes_[id];
    switch (node.op) {
      case Op::kClass:
        own[id] = Class(from.classes_[node.a]);
        continue;
      case Op::kConcat:
        node.a = own[node.a];
        node.b = own[node.b];
        break;
      case Op::kNot:
      case Op::kRepeat:
        node.a = own[node.a];
        break;
      case Op::kAlt:
      case Op::kAnd: {
        const auto begin = static_cast<uint32_t>(operands_.size());
        for (const ExprId part : from.Operands(node)) operands_.push_back(own[part]);
        std::sort(operands_.begin() + begin, operands_.end());
        node.a = begin;
        break;
      }
      case Op::kLiterals: {
        const auto [it, fresh] =
            sets.try_emplace(node.a, static_cast<uint32_t>(literal_sets_.size()));
        if (fresh) {
          literal_sets_.push_back(from.literal_sets_[node.a]);
          literal_hashes_.push_back(from.literal_hashes_[node.a]);
        }
        node.a = it->second;
        break;
      }
      default:
        break;
    }
    own[id] = Intern(node);
  }
  return own[e];
}

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
      const auto& strings = literal_sets_[node.a];
      const auto at = [&](uint32_t i) {  // strings that end here sort first
        return strings[i].size() == node.depth ? int64_t{-1} : int64_t{strings[i][node.depth]};
      };
      uint32_t low = node.low, high = node.high;
      const auto bound = [&](int64_t value) {
        uint32_t from = low, to = high;
        while (from < to) {
          const uint32_t middle = from + (to - from) / 2;
          if (at(middle) < value)
            from = middle + 1;
          else
            to = middle;
        }
        return from;
      };
      const uint32_t first = bound(c);
      const uint32_t last = bound(static_cast<int64_t>(c) + 1);
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

std::optional<std::u32string> ExpressionStore::OnlyWord(ExprId e) const {
  std::u32string word;
  for (; e != kEpsilon; e = nodes_[e].op == Op::kConcat ? nodes_[e].b : kEpsilon) {
    const Node& n = nodes_[nodes_[e].op == Op::kConcat ? nodes_[e].a : e];
    if (n.op != Op::kClass) return std::nullopt;
    const auto& ranges = classes_[n.a].ranges();
    if (ranges.size() != 1 || ranges[0].low != ranges[0].high) return std::nullopt;
    word += static_cast<char32_t>(ranges[0].low);
  }
  return word;
}

std::optional<uint32_t> ExpressionStore::LongestWayOut(ExprId e) const {
  // A sequence is as far from its end as the part where it stands, and the shortest words of what
  // follows; so the parts are looked at from the last one back.
  uint64_t longest = 0, after = 0;
  std::vector<ExprId> parts{e};
  while (nodes_[parts.back()].op == Op::kConcat) {
    const Node& n = nodes_[parts.back()];
    parts.back() = n.a;
    parts.push_back(n.b);
  }
  for (; !parts.empty(); parts.pop_back()) {
    const Node& n = nodes_[parts.back()];
    uint64_t own = 0;
    switch (n.op) {
      case Op::kEpsilon:
        break;
      case Op::kClass:
        own = 1;
        break;
      case Op::kNot:
        if (parts.back() != kAll) return std::nullopt;
        break;
      case Op::kAlt:
        for (const ExprId part : Operands(n)) {
          const auto way = LongestWayOut(part);
          if (!way) return std::nullopt;
          own = std::max<uint64_t>(own, *way);
        }
        break;
      case Op::kRepeat: {
        const auto way = LongestWayOut(n.a);
        if (!way) return std::nullopt;
        own = *way + uint64_t{nodes_[n.a].shortest} * n.low;
        break;
      }
      default:
        return std::nullopt;
    }
    longest = std::max(longest, own + after);
    after += n.shortest;
  }
  constexpr uint64_t kMost = 1 << 20;
  if (longest > kMost) return std::nullopt;
  return static_cast<uint32_t>(longest);
}

ExpressionStore::Run ExpressionStore::RunOf(ExprId e) const {
  const Node& n = nodes_[nodes_[e].op == Op::kConcat ? nodes_[e].a : e];
  if (n.op != Op::kRepeat || nodes_[n.a].op != Op::kClass) return {};
  return {&classes_[nodes_[n.a].a], n.high};
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

ExpressionStore::Partition ExpressionStore::PartitionOf(const std::vector<ExprId>& roots) const {
  std::vector<ExprId> todo = roots;
  std::vector<bool> seen(nodes_.size());
  std::vector<uint32_t> classes;
  std::vector<CodePoint> singles;  // characters that are told apart from all others
  for (size_t i = 0; i < todo.size(); ++i) {
    const ExprId id = todo[i];
    if (seen[id]) continue;
    seen[id] = true;
    const Node& node = nodes_[id];
    switch (node.op) {
      case Op::kClass:
        classes.push_back(node.a);
        break;
      case Op::kLiterals:
        for (uint32_t k = node.low; k < node.high; ++k) {
          const auto& text = literal_sets_[node.a][k];
          singles.insert(singles.end(), text.begin(), text.end());
        }
        break;
      case Op::kLeap:
        for (const char c : std::string_view("0123456789:.+-Zz"))
          singles.push_back(static_cast<CodePoint>(c));
        break;
      case Op::kConcat:
        todo.push_back(node.a);
        todo.push_back(node.b);
        break;
      case Op::kNot:
      case Op::kRepeat:
        todo.push_back(node.a);
        break;
      case Op::kAlt:
      case Op::kAnd:
        for (ExprId part : Operands(node)) todo.push_back(part);
        break;
      default:
        break;
    }
  }
  std::sort(singles.begin(), singles.end());
  singles.erase(std::unique(singles.begin(), singles.end()), singles.end());
  Partition out;
  out.bounds = {0, kFirstSurrogate, kLastSurrogate + 1};
  for (CodePoint c : singles) {
    out.bounds.push_back(c);
    out.bounds.push_back(c + 1);
  }
  for (uint32_t c : classes) {
    for (const auto& r : classes_[c].ranges()) {
      out.bounds.push_back(r.low);
      out.bounds.push_back(r.high + 1);
    }
  }
  std::sort(out.bounds.begin(), out.bounds.end());
  out.bounds.erase(std::unique(out.bounds.begin(), out.bounds.end()), out.bounds.end());
  std::erase_if(out.bounds, [](CodePoint c) { return c > kMaxCodePoint; });
  // A range's signature is the sum over the sets that hold it.
  std::vector<uint64_t> signature(out.bounds.size());
  const auto mark = [&](CodePoint low, CodePoint high, uint64_t what) {
    auto i = static_cast<size_t>(std::lower_bound(out.bounds.begin(), out.bounds.end(), low) -
                                 out.bounds.begin());
    for (; i < out.bounds.size() && out.bounds[i] <= high; ++i) signature[i] += what;
  };
  mark(kFirstSurrogate, kLastSurrogate, MixFingerprint(1, 2));
  for (CodePoint c : singles) mark(c, c, MixFingerprint(c, 3));
  for (uint32_t c : classes) {
    for (const auto& r : classes_[c].ranges()) mark(r.low, r.high, MixFingerprint(c, 5));
  }
  std::unordered_map<uint64_t, uint32_t> numbers;
  for (size_t i = 0; i < signature.size(); ++i) {
    const auto [it, fresh] =
        numbers.emplace(signature[i], static_cast<uint32_t>(out.examples.size()));
    if (fresh) out.examples.push_back(out.bounds[i]);
    out.class_of.push_back(it->second);
  }
  return out;
}

bool ExpressionStore::IsEmpty(ExprId e, const std::vector<CodePoint>* examples, size_t budget) {
  if (e == kNone) return true;
  if (nodes_[e].positive || nodes_[e].nullable || nodes_[e].open) return false;
  if (const auto it = empty_.find(e); it != empty_.end()) return it->second;
  std::vector<CodePoint> own;
  if (examples == nullptr) {
    own = PartitionOf({e}).examples;
    examples = &own;
  }
  const size_t before = work_;
  // Best first: what can end soonest is looked at first, so a word is found in about its length.
  struct Visit {
    ExprId expr;
    size_t from;  // the visit that led here
  };
  std::vector<Visit> visits{{e, 0}};
  std::unordered_set<ExprId> seen{e};
  using Entry = std::pair<uint32_t, size_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  queue.emplace(nodes_[e].shortest, 0);
  while (!queue.empty()) {
    const size_t at = queue.top().second;
    queue.pop();
    for (const CodePoint c : *examples) {
      if (c == kFirstSurrogate) continue;  // no character
      if (work_ - before > budget || exhausted_) {
        for (const Visit& visit : visits) empty_.emplace(visit.expr, false);  // not to try again
        return false;
      }
      const ExprId next = Derive(visits[at].expr, c);
      if (next == kNone) continue;
      const auto known = empty_.find(next);
      if (nodes_[next].nullable || nodes_[next].positive || nodes_[next].open ||
          (known != empty_.end() && !known->second)) {
        for (size_t i = at;; i = visits[i].from) {
          empty_[visits[i].expr] = false;
          if (i == 0) return false;
        }
      }
      if (known == empty_.end() && seen.insert(next).second) {
        queue.emplace(nodes_[next].shortest, visits.size());
        visits.push_back({next, at});
      }
    }
  }
  for (const Visit& visit : visits) empty_[visit.expr] = true;
  return true;
}

bool ExpressionStore::Matches(ExprId e, std::u32string_view text) {
  for (const char32_t c : text) {
    e = Derive(e, c);
    if (e == kNone) return false;
  }
  return nodes_[e].nullable;
}

}  // namespace hearth::grammar
