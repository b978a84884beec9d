// TextScanner: what the readers of grammar notations share: a place in a text, and errors that name
// its line.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "grammars/regex/code_point_set.h"
#include "runtime/base/core/result.h"

namespace hearth::grammar {

class TextScanner {
 public:
  static constexpr size_t kMaxText = 200'000;
  static constexpr int kMaxNesting = 100;
  static constexpr uint32_t kMaxRepeat = 100'000;

  TextScanner(const char* notation, std::string_view text) : notation_(notation), text_(text) {}

  bool done() const { return at_ >= text_.size(); }
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  size_t at() const { return at_; }
  void Move(size_t n) { at_ = std::min(at_ + n, text_.size()); }
  void MoveTo(size_t at) { at_ = at; }
  bool Take(std::string_view what) {
    if (text_.substr(at_, what.size()) != what) return false;
    at_ += what.size();
    return true;
  }
  template <typename Belongs>
  std::string_view TakeWhile(Belongs&& belongs) {
    const size_t from = at_;
    while (!done() && belongs(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }
  std::string_view From(size_t at) const { return text_.substr(at, at_ - at); }

  Error Fail(std::string_view what) const {
    const auto line =
        1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    return MakeError(ErrorCode::kInvalidArgument, notation_, ", line ", line, ": ", what);
  }

  // One character of strict UTF-8.
  Result<CodePoint> TakeCharacter();
  // n hexadecimal digits.
  Result<CodePoint> TakeHex(size_t n);
  // A decimal number of at most kMaxRepeat.
  Result<uint32_t> TakeNumber();

 private:
  const char* const notation_;
  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace hearth::grammar
