#include "runtime/serving/template/sort.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "runtime/serving/template/letters.h"
#include "runtime/serving/template/text_operations.h"

namespace hearth::serving {

Result<std::vector<size_t>> SortedOrder(const std::vector<Value>& keys, bool reverse,
                                        Budget& budget) {
  std::vector<size_t> order(keys.size()), merged(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t width = 1; width < keys.size(); width *= 2) {
    for (size_t begin = 0; begin < keys.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, keys.size()),
                   end = std::min(begin + 2 * width, keys.size());
      size_t left = begin, right = middle;
      for (size_t out = begin; out < end; ++out) {
        bool take_left = right == end;
        if (left < middle && right < end) {
          HEARTH_TRY(const int compared, Order(keys[order[left]], keys[order[right]], budget));
          take_left = reverse ? compared >= 0 : compared <= 0;
        }
        merged[out] = take_left ? order[left++] : order[right++];
      }
    }
    std::swap(order, merged);
  }
  return order;
}

Result<Value> CaselessKey(const Value& value, Budget& budget) {
  const TracedString* const text = value.AsString();
  if (text == nullptr) return value;
  HEARTH_TRY(
      TracedString lower,
      MapText(*text, [](char32_t c, bool, std::string& out) { AppendLower(c, out); }, budget));
  return Value(std::move(lower));
}

}  // namespace hearth::serving
