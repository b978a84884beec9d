// What can be said of an expression: its one word, its lengths, the classes of characters that it
// tells apart, whether it has words at all.
#include <algorithm>
#include <functional>
#include <queue>
#include <string_view>
#include <unordered_set>

#include "grammars/matcher/fingerprint.h"
#include "grammars/regex/expression.h"

namespace hearth::grammar {

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
