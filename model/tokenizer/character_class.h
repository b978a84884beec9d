// CharacterClass: a set of code points as a pattern's […] describes it.
#pragma once

#include <bitset>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/tokenizer/unicode_category.h"

namespace hearth::model {

class CharacterClass {
 public:
  void AddRange(uint32_t first, uint32_t last) { ranges_.emplace_back(first, last); }
  // Bits of `categories` are numbered by Category.
  void AddCategories(uint32_t categories) { categories_ |= categories; }
  void AddWhiteSpace() { white_space_ = true; }
  void Negate() { negated_ = !negated_; }
  // Called once, after the last change.
  void Freeze() {
    for (uint32_t c = 0; c < ascii_.size(); ++c) ascii_[c] = Find(c, CategoryOf(c));
  }

  bool Contains(uint32_t code_point, Category category) const {
    return code_point < ascii_.size() ? ascii_[code_point] : Find(code_point, category);
  }

 private:
  bool Find(uint32_t code_point, Category category) const {
    bool found = (categories_ >> static_cast<int>(category) & 1) != 0 ||
                 (white_space_ && IsWhiteSpace(code_point, category));
    for (const auto& [first, last] : ranges_) found |= code_point >= first && code_point <= last;
    return found != negated_;
  }

  std::bitset<128> ascii_;
  uint32_t categories_ = 0;
  bool white_space_ = false;
  bool negated_ = false;
  std::vector<std::pair<uint32_t, uint32_t>> ranges_;
};

}  // namespace hearth::model
