// Category: the Unicode general category of a code point.
#pragma once

#include <cstdint>

namespace hearth::model {

enum class Category : uint8_t {
  kLu,
  kLl,
  kLt,
  kLm,
  kLo,  // letters
  kMn,
  kMc,
  kMe,  // marks
  kNd,
  kNl,
  kNo,  // numbers
  kPc,
  kPd,
  kPs,
  kPe,
  kPi,
  kPf,
  kPo,  // punctuation
  kSm,
  kSc,
  kSk,
  kSo,  // symbols
  kZs,
  kZl,
  kZp,  // separators
  kCc,
  kCf,
  kCs,
  kCo,
  kCn,  // control, format, surrogate, private use, unassigned
};

// Code points beyond U+10FFFF are unassigned.
Category CategoryOf(uint32_t code_point);
// The property White_Space: what \s means in a pre-tokenizer's pattern.
bool IsWhiteSpace(uint32_t code_point, Category category);

}  // namespace hearth::model
