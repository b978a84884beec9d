#include "runtime/serving/template/lexer.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>

#include "runtime/base/unicode.h"

namespace hearth::serving {
namespace {

using Kind = Token::Kind;

// Longest first, so that the first that fits is the one.
constexpr std::string_view kOperators[] = {"//", "**", "==", "!=", "<=", ">=", "+", "-", "/",
                                           "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                           ">",  "<",  "=",  ".",  ":",  "|",  ","};

bool IsSpaceByte(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsNameByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string NormalizeLineBreaks(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      text += source[i];
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(NormalizeLineBreaks(source)) {}

  Result<std::vector<Token>> Run() {
    while (at_ < source_.size()) HEARTH_CHECK_OK(LexText());
    Add(Kind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  std::string_view Rest() const { return std::string_view(source_).substr(at_); }

  void Advance(size_t bytes) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(at_ + bytes),
                                         '\n'));
    at_ += bytes;
  }

  bool Take(std::string_view text) {
    if (!Rest().starts_with(text)) return false;
    Advance(text.size());
    return true;
  }

  void TakeSpaces() {
    size_t bytes = 0;
    while (bytes < Rest().size() && IsSpaceByte(Rest()[bytes])) ++bytes;
    Advance(bytes);
  }

  void Add(Kind kind, std::string text) { tokens_.push_back({kind, line_, std::move(text)}); }

  template <typename... Args>
  Error Fail(const Args&... what) const {
    return MakeError(ErrorCode::kInvalidArgument, "line ", line_, ": ", what...);
  }

  // The text up to the next tag, and the tag.
  Status LexText() {
    size_t open = at_;
    while (true) {
      open = source_.find('{', open);
      if (open == std::string::npos || open + 1 == source_.size()) {
        AddText(source_.size(), '\0', false);
        return {};
      }
      const char next = source_[open + 1];
      if (next == '{' || next == '%' || next == '#') break;
      ++open;
    }
    const char tag = source_[open + 1];
    const char sign = open + 2 < source_.size() ? source_[open + 2] : '\0';
    AddText(open, sign, tag != '{');
    Advance(2 + (sign == '-' || sign == '+' ? 1 : 0));
    if (tag == '#') return SkipComment();
    if (tag == '%' && IsRaw()) return LexRaw();
    Add(tag == '{' ? Kind::kOutputBegin : Kind::kStatementBegin, "");
    return LexTag(tag == '{');
  }

  // Adds source_[at_, end) without the white space that the tag behind it takes away.
  void AddText(size_t end, char sign, bool strips_line) {
    std::string_view text = std::string_view(source_).substr(at_, end - at_);
    const size_t whole = text.size();
    if (sign == '-') {
      while (!text.empty() && IsSpaceByte(text.back())) text.remove_suffix(1);
    } else if (strips_line && sign != '+') {
      const size_t line_break = text.rfind('\n');
      const size_t line = line_break == std::string_view::npos ? 0 : line_break + 1;
      const bool blank =
          std::all_of(text.begin() + static_cast<std::ptrdiff_t>(line), text.end(), IsSpaceByte);
      if (blank && (line > 0 || at_line_start_)) text = text.substr(0, line);
    }
    if (!text.empty()) Add(Kind::kText, std::string(text));
    Advance(whole);
  }

  // After the closing bracket of a statement, a comment or endraw.
  void TakeLineBreak() { at_line_start_ = Take("\n"); }

  Status SkipComment() {
    const size_t close = source_.find("#}", at_);
    if (close == std::string::npos) return Fail("the comment is not closed by #}");
    const char sign = close > at_ ? source_[close - 1] : '\0';
    Advance(close + 2 - at_);
    FinishTag(sign);
    return {};
  }

  void FinishTag(char sign) {
    at_line_start_ = false;
    if (sign == '-') {
      const size_t before = at_;
      TakeSpaces();
      at_line_start_ = at_ > before && source_[at_ - 1] == '\n';
    } else if (sign != '+') {
      TakeLineBreak();
    }
  }

  // The word between the brackets of a statement at `text`, where nothing else is.
  static bool IsStatement(std::string_view text, std::string_view word, size_t& length) {
    size_t i = 0;
    const auto spaces = [&] {
      while (i < text.size() && IsSpaceByte(text[i])) ++i;
    };
    spaces();
    if (text.substr(i, word.size()) != word) return false;
    i += word.size();
    spaces();
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (text.substr(i, 2) != "%}") return false;
    length = i + 2;
    return true;
  }

  bool IsRaw() const {
    size_t length = 0;
    return IsStatement(Rest(), "raw", length);
  }

  Status LexRaw() {
    size_t length = 0;
    IsStatement(Rest(), "raw", length);
    const bool strips = Rest()[length - 3] == '-';
    Advance(length);
    at_line_start_ = false;
    if (strips) TakeSpaces();
    for (size_t open = source_.find("{%", at_); open != std::string::npos;
         open = source_.find("{%", open + 2)) {
      const char sign = open + 2 < source_.size() ? source_[open + 2] : '\0';
      const size_t signs = sign == '-' || sign == '+' ? 1 : 0;
      if (!IsStatement(std::string_view(source_).substr(open + 2 + signs), "endraw", length))
        continue;
      AddText(open, sign, true);
      Advance(2 + signs + length);
      FinishTag(source_[at_ - 3]);
      return {};
    }
    return Fail("{% raw %} is not closed by {% endraw %}");
  }

  // Tokens up to the closing bracket of {{ or {%.
  Status LexTag(bool is_output) {
    std::string open;  // brackets that are not closed
    while (at_ < source_.size()) {
      TakeSpaces();
      if (open.empty() && TakeClose(is_output)) return {};
      if (at_ == source_.size()) break;
      const char c = source_[at_];
      if (c == '"' || c == '\'') {
        HEARTH_CHECK_OK(LexString(c));
      } else if (IsDigit(c)) {
        LexNumber();
      } else if (IsNameByte(c)) {
        size_t bytes = 1;
        while (bytes < Rest().size() && IsNameByte(Rest()[bytes])) ++bytes;
        Add(Kind::kName, std::string(Rest().substr(0, bytes)));
        Advance(bytes);
      } else {
        HEARTH_CHECK_OK(LexOperator(open));
      }
    }
    return Fail("the tag is not closed by ", is_output ? "}}" : "%}");
  }

  bool TakeClose(bool is_output) {
    const std::string_view close = is_output ? "}}" : "%}";
    const Kind kind = is_output ? Kind::kOutputEnd : Kind::kStatementEnd;
    const char sign = Rest().empty() ? '\0' : Rest()[0];
    const bool signed_close =
        (sign == '-' || (sign == '+' && !is_output)) && Rest().substr(1, 2) == close;
    if (!signed_close && !Rest().starts_with(close)) return false;
    Add(kind, "");
    Advance(signed_close ? 3 : 2);
    if (is_output && !signed_close) {
      at_line_start_ = false;
    } else {
      FinishTag(signed_close ? sign : '\0');
    }
    return true;
  }

  Status LexOperator(std::string& open) {
    const auto found =
        std::find_if(std::begin(kOperators), std::end(kOperators),
                     [&](std::string_view text) { return Rest().starts_with(text); });
    if (found == std::end(kOperators))
      return Fail("the character '", Rest().substr(0, 1), "' is not expected here");
    const char c = (*found)[0];
    if (c == '(' || c == '[' || c == '{') open += c;
    if (c == ')' || c == ']' || c == '}') {
      const char match = c == ')' ? '(' : c == ']' ? '[' : '{';
      if (open.empty() || open.back() != match) return Fail("'", c, "' closes nothing");
      open.pop_back();
    }
    Add(Kind::kOperator, std::string(*found));
    Advance(found->size());
    return {};
  }

  void LexNumber() {
    const std::string_view rest = Rest();
    size_t end = 0;
    const auto digits = [&](auto is_digit) {
      while (end < rest.size() &&
             (is_digit(rest[end]) ||
              (rest[end] == '_' && end + 1 < rest.size() && is_digit(rest[end + 1])))) {
        ++end;
      }
    };
    const char base = rest.size() > 2 && rest[0] == '0' ? static_cast<char>(rest[1] | 0x20) : '\0';
    if (base == 'x' || base == 'o' || base == 'b') {
      end = 2;
      digits([](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; });
      AddNumber(Kind::kInteger, end);
      return;
    }
    digits(IsDigit);
    Kind kind = Kind::kInteger;
    if (end + 1 < rest.size() && rest[end] == '.' && IsDigit(rest[end + 1])) {
      kind = Kind::kFloat;
      ++end;
      digits(IsDigit);
    }
    if (end < rest.size() && (rest[end] == 'e' || rest[end] == 'E')) {
      const size_t sign =
          end + 1 < rest.size() && (rest[end + 1] == '+' || rest[end + 1] == '-') ? 1 : 0;
      if (end + 1 + sign < rest.size() && IsDigit(rest[end + 1 + sign])) {
        kind = Kind::kFloat;
        end += 1 + sign;
        digits(IsDigit);
      }
    }
    AddNumber(kind, end);
  }

  void AddNumber(Kind kind, size_t bytes) {
    std::string text(Rest().substr(0, bytes));
    std::erase(text, '_');
    Add(kind, std::move(text));
    Advance(bytes);
  }

  Status LexString(char quote) {
    size_t close = at_ + 1;
    while (close < source_.size() && source_[close] != quote)
      close += source_[close] == '\\' ? 2 : 1;
    if (close >= source_.size()) return Fail("the string is not closed by ", quote);
    HEARTH_TRY(std::string text,
               Unescape(std::string_view(source_).substr(at_ + 1, close - at_ - 1)));
    Add(Kind::kString, std::move(text));
    Advance(close + 1 - at_);
    return {};
  }

  // Python's escapes.
  Result<std::string> Unescape(std::string_view text) const {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\') {
        out += text[i];
        continue;
      }
      const char c = text[++i];
      static constexpr std::string_view kNames = "\\'\"abfnrtv", kValues = "\\'\"\a\b\f\n\r\t\v";
      if (const size_t simple = kNames.find(c); simple != std::string_view::npos) {
        out += kValues[simple];
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        HEARTH_TRY(const char32_t code_point, CodePoint(text.substr(i + 1, digits), 16, digits));
        AppendUtf8(out, code_point);
        i += digits;
      } else if (c >= '0' && c <= '7') {
        size_t digits = 1;
        while (digits < 3 && i + digits < text.size() && text[i + digits] >= '0' &&
               text[i + digits] <= '7')
          ++digits;
        HEARTH_TRY(const char32_t code_point, CodePoint(text.substr(i, digits), 8, digits));
        AppendUtf8(out, code_point);
        i += digits - 1;
      } else if (c != '\n') {
        out += '\\';
        out += c;
      }
    }
    return out;
  }

  Result<char32_t> CodePoint(std::string_view digits, int base, size_t wanted) const {
    char32_t value = 0;
    for (const char c : digits) {
      if (std::isxdigit(static_cast<unsigned char>(c)) == 0) break;
      const int digit = IsDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
      value = value * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
      --wanted;
    }
    if (wanted != 0 || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
      return Fail("an escape in the string is no character: \\", digits);
    }
    return value;
  }

  const std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool at_line_start_ = true;  // the text before at_ ended with a line break that a tag took
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> LexTemplate(std::string_view source) { return Lexer(source).Run(); }

}  // namespace hearth::serving
