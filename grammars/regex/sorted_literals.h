// Sets of sorted literals, read one unit (byte or code point) at a time.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace hearth::grammar {

// Of entries [low, high), which are sorted and agree in their first `depth` units: those that go on
// with `unit`. Entries that end at `depth` sort first. O(log n).
template <typename Entries, typename Index>
std::pair<Index, Index> WithUnit(const Entries& entries, Index low, Index high, uint64_t depth,
                                 uint32_t unit) {
  const auto first_from = [&](uint64_t value) {
    Index from = low, to = high;
    while (from < to) {
      const Index middle = from + (to - from) / 2;
      const auto& entry = entries[middle];
      using Unit = std::make_unsigned_t<std::remove_cvref_t<decltype(entry[0])>>;
      if (entry.size() == depth || static_cast<Unit>(entry[depth]) < value)
        from = middle + 1;
      else
        to = middle;
    }
    return from;
  };
  return {first_from(unit), first_from(uint64_t{unit} + 1)};
}

}  // namespace hearth::grammar
