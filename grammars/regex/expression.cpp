#include "grammars/regex/expression.h"

#include <algorithm>
#include <map>

#include "grammars/matcher/fingerprint.h"

namespace hearth::grammar {

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
  // Counters inside counters would give an alternative to every way of counting.
  constexpr size_t kMaxParts = 4096;
  work_ += parts.size() / 8;
  if (parts.size() > kMaxParts) {
    exhausted_ = true;
    return kNone;
  }
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

}  // namespace hearth::grammar
