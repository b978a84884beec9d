#include "grammars/regex/code_point_set.h"

#include <algorithm>

namespace hearth::grammar {

CodePointSet CodePointSet::Everything() {
  CodePointSet all(0, kFirstSurrogate - 1);
  all.Add(kLastSurrogate + 1, kMaxCodePoint);
  return all;
}

void CodePointSet::Add(CodePoint low, CodePoint high) {
  if (low > high) return;
  const auto first = std::find_if(ranges_.begin(), ranges_.end(),
                                  [&](const Range& r) { return r.high + 1 >= low; });
  auto last = first;
  while (last != ranges_.end() && last->low <= high + 1) {
    low = std::min(low, last->low);
    high = std::max(high, last->high);
    ++last;
  }
  const auto at = ranges_.erase(first, last);
  ranges_.insert(at, Range{low, high});
}

void CodePointSet::Add(const CodePointSet& other) {
  for (const Range& r : other.ranges_) Add(r.low, r.high);
}

CodePointSet CodePointSet::Complement() const {
  CodePointSet out;
  CodePoint next = 0;
  for (const Range& r : ranges_) {
    if (r.low > next) out.ranges_.push_back({next, r.low - 1});
    next = r.high + 1;
  }
  if (next <= kMaxCodePoint) out.ranges_.push_back({next, kMaxCodePoint});
  return out.Intersect(Everything());
}

CodePointSet CodePointSet::Intersect(const CodePointSet& other) const {
  CodePointSet out;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    const CodePoint low = std::max(a->low, b->low);
    const CodePoint high = std::min(a->high, b->high);
    if (low <= high) out.ranges_.push_back({low, high});
    (a->high < b->high ? a : b)++;
  }
  return out;
}

bool CodePointSet::Contains(CodePoint c) const {
  const auto it = std::partition_point(ranges_.begin(), ranges_.end(),
                                       [&](const Range& r) { return r.high < c; });
  return it != ranges_.end() && it->low <= c;
}

}  // namespace hearth::grammar
