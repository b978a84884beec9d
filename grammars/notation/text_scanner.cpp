#include "grammars/notation/text_scanner.h"

#include "grammars/regex/ecma_regex.h"

namespace hearth::grammar {

Result<CodePoint> TextScanner::TakeCharacter() {
  if (done()) return Fail("the text ends too early");
  const auto lead = static_cast<unsigned char>(Peek());
  const size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  std::u32string one;
  if (at_ + length > text_.size() || !DecodeUtf8(text_.substr(at_, length), one) ||
      one.size() != 1) {
    return Fail("this is not UTF-8");
  }
  at_ += length;
  return CodePoint{one[0]};
}

Result<CodePoint> TextScanner::TakeHex(size_t n) {
  CodePoint value = 0;
  for (size_t i = 0; i < n; ++i, ++at_) {
    const char c = Peek();
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return Fail("a hexadecimal digit is missing");
    value = value << 4 | static_cast<CodePoint>(digit);
  }
  const bool is_scalar =
      value <= kMaxCodePoint && !(value >= kFirstSurrogate && value <= kLastSurrogate);
  if (!is_scalar) return Fail("no Unicode character has this number");
  return value;
}

Result<uint32_t> TextScanner::TakeNumber() {
  const std::string_view digits = TakeWhile([](char c) { return c >= '0' && c <= '9'; });
  if (digits.empty()) return Fail("a number is missing");
  uint32_t value = 0;
  for (const char c : digits) {
    value = value * 10 + static_cast<uint32_t>(c - '0');
    if (value > kMaxRepeat) return Fail("this number is too large");
  }
  return value;
}

}  // namespace hearth::grammar
