#include "model/tokenizer/unicode_category.h"

#include <algorithm>
#include <array>

#include "model/tokenizer/unicode_table.h"

namespace hearth::model {
namespace {

Category Search(uint32_t code_point) {
  const uint32_t key = std::min<uint32_t>(code_point, 0x10ffff) << 5 | 31;
  const auto after = std::upper_bound(kCategoryRuns.begin(), kCategoryRuns.end(), key);
  return static_cast<Category>(*(after - 1) & 31);
}

}  // namespace

Category CategoryOf(uint32_t code_point) {
  static const auto ascii = [] {
    std::array<Category, 128> table;
    for (uint32_t c = 0; c < table.size(); ++c) table[c] = Search(c);
    return table;
  }();
  return code_point < ascii.size() ? ascii[code_point] : Search(code_point);
}

bool IsWhiteSpace(uint32_t code_point, Category category) {
  return (code_point >= 9 && code_point <= 13) || code_point == 0x85 ||
         (category >= Category::kZs && category <= Category::kZp);
}

}  // namespace hearth::model
