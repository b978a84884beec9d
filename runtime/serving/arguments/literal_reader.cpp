// Arguments as literals: a=1, b="x", c=[True, None] as Python has them, or {a:1,b:<q>x<q>} with
// strings between quotes of the family's own.
#include <algorithm>
#include <optional>

#include "runtime/base/json.h"
#include "runtime/serving/arguments/argument_reader.h"
#include "runtime/serving/arguments/argument_types.h"
#include "runtime/serving/text_match.h"

namespace hearth::serving {
namespace {

class LiteralReader : public ArgumentReader {
 public:
  LiteralReader(bool python, std::string quote) : python_(python), quote_(std::move(quote)) {
    // Python's arguments stand between parentheses that belong to the call.
    if (python_) open_.push_back(kCall);
    expect_ = python_ ? Expect::kKeyOrClose : Expect::kStart;
  }

  Outcome Read(std::string& buffer, std::string& out) override {
    if (python_ && !begun_) out += '{';
    begun_ = true;
    size_t used = 0;
    Outcome outcome = Outcome::kMore;
    while (outcome == Outcome::kMore) {
      const std::string_view rest = std::string_view(buffer).substr(used);
      const size_t before = used;
      const Expect was = expect_;
      outcome = Step(rest, used, out);
      if (used == before && expect_ == was) break;
    }
    buffer.erase(0, used);
    return outcome;
  }

 private:
  enum class Expect : uint8_t {
    kStart,
    kKeyOrClose,
    kKey,
    kColon,
    kValue,
    kValueOrClose,
    kCommaOrClose,
    kInString,
  };
  static constexpr char kCall = '(', kObject = '{', kList = '[';
  static constexpr size_t kDeepest = 64;
  static constexpr size_t kLongestWord = 512;

  static char ClosingOf(char open) { return open == kCall ? ')' : open == kObject ? '}' : ']'; }

  // Does what it can with the beginning of `rest`, and says in `used` how much that was; no change
  // at all where more bytes are needed.
  Outcome Step(std::string_view rest, size_t& used, std::string& out) {
    if (expect_ == Expect::kInString) return InString(rest, used, out);
    if (rest.empty()) return Outcome::kMore;
    const char c = rest[0];
    if (IsSpace(c)) return Take(1, used);
    switch (expect_) {
      case Expect::kStart:
        return c == '{' ? Open(kObject, used, out) : Outcome::kBroken;
      case Expect::kKeyOrClose:
        if (c == ClosingOf(open_.back())) return Close(used, out);
        [[fallthrough]];
      case Expect::kKey:
        return Key(rest, used, out);
      case Expect::kColon:
        if (c != (open_.back() == kCall ? '=' : ':')) return Outcome::kBroken;
        out += ": ";
        expect_ = Expect::kValue;
        return Take(1, used);
      case Expect::kValueOrClose:
        if (c == ClosingOf(open_.back())) return Close(used, out);
        [[fallthrough]];
      case Expect::kValue:
        return Value(rest, used, out);
      case Expect::kCommaOrClose:
        if (c == ClosingOf(open_.back())) return Close(used, out);
        if (c != ',') return Outcome::kBroken;
        out += ", ";
        expect_ = open_.back() == kList ? Expect::kValue : Expect::kKey;
        return Take(1, used);
      case Expect::kInString:
        break;
    }
    return Outcome::kBroken;
  }

  static Outcome Take(size_t n, size_t& used) {
    used += n;
    return Outcome::kMore;
  }
  Outcome Open(char bracket, size_t& used, std::string& out) {
    if (open_.size() == kDeepest) return Outcome::kBroken;
    open_ += bracket;
    out += bracket;
    expect_ = bracket == kList ? Expect::kValueOrClose : Expect::kKeyOrClose;
    return Take(1, used);
  }
  // The parenthesis that ends a call is left to whoever reads the call.
  Outcome Close(size_t& used, std::string& out) {
    const char bracket = open_.back();
    open_.pop_back();
    out += bracket == kList ? ']' : '}';
    if (bracket == kCall) return Outcome::kDone;
    ++used;
    expect_ = Expect::kCommaOrClose;
    return open_.empty() ? Outcome::kDone : Outcome::kMore;
  }

  // Sets the quote that a string begins with; false where more bytes must say.
  bool FindQuote(std::string_view rest, size_t& length) {
    length = 0;
    if (python_ && (rest[0] == '"' || rest[0] == '\'')) {
      closing_ = rest[0];
      length = 1;
      return true;
    }
    if (python_) return true;
    if (rest.starts_with(quote_)) {
      closing_ = quote_;
      length = quote_.size();
      return true;
    }
    return !std::string_view(quote_).starts_with(rest);
  }

  Outcome Key(std::string_view rest, size_t& used, std::string& out) {
    size_t quote = 0;
    if (!FindQuote(rest, quote)) return Outcome::kMore;
    if (quote > 0 && open_.back() != kCall) {
      in_key_ = true;
      return BeginString(quote, used, out);
    }
    const char stop = open_.back() == kCall ? '=' : ':';
    const size_t end = rest.find(stop);
    if (std::min(end, rest.size()) > kLongestKey) return Outcome::kBroken;
    if (end == rest.npos) return Outcome::kMore;
    std::string_view key = rest.substr(0, end);
    while (!key.empty() && IsSpace(key.back())) key.remove_suffix(1);
    if (key.empty() || key.find_first_of(kNotInLiteralKey) != key.npos ||
        key.find(kControlBegin) != key.npos) {
      return Outcome::kBroken;
    }
    out += '"';
    AppendEscaped(key, out);
    out += '"';
    expect_ = Expect::kColon;
    return Take(end, used);
  }

  Outcome Value(std::string_view rest, size_t& used, std::string& out) {
    if (rest[0] == '{') return Open(kObject, used, out);
    if (rest[0] == '[') return Open(kList, used, out);
    size_t quote = 0;
    if (!FindQuote(rest, quote)) return Outcome::kMore;
    if (quote > 0) {
      in_key_ = false;
      return BeginString(quote, used, out);
    }
    const size_t end = rest.find_first_of(",)]} \n\t\r");
    if (std::min(end, rest.size()) > kLongestWord) return Outcome::kBroken;
    if (end == rest.npos) return Outcome::kMore;
    const std::string_view word = rest.substr(0, end);
    if (word.find(kControlBegin) != word.npos) return Outcome::kBroken;
    const std::string value = ValueFromText(word, kAnyType & ~kStringType);
    // Braces leave a word without quotes; Python does not.
    if (word.empty() || (python_ && value[0] == '"')) return Outcome::kBroken;
    out += value;
    expect_ = Expect::kCommaOrClose;
    return Take(end, used);
  }

  Outcome BeginString(size_t quote, size_t& used, std::string& out) {
    out += '"';
    expect_ = Expect::kInString;
    return Take(quote, used);
  }

  Outcome InString(std::string_view rest, size_t& used, std::string& out) {
    const size_t end = rest.find(closing_);
    const size_t escape = python_ ? rest.find('\\') : rest.npos;
    const size_t control = rest.find(kControlBegin);
    const size_t known = rest.size() - (end == rest.npos ? Overlap(rest, closing_) : 0);
    const size_t ready = std::min({end, escape, control, known});
    AppendEscaped(rest.substr(0, ready), out);
    used += ready;
    if (ready == end) {
      out += '"';
      used += closing_.size();
      expect_ = in_key_ ? Expect::kColon : Expect::kCommaOrClose;
    } else if (ready == escape) {
      used += Escape(rest.substr(escape), out);
    } else if (ready != known) {
      return Outcome::kBroken;  // no string holds a control token
    }
    return Outcome::kMore;
  }

  // Writes what a Python escape means; 0 where more bytes are needed.
  static size_t Escape(std::string_view rest, std::string& out) {
    if (rest.size() < 2) return 0;
    constexpr std::string_view kSame = "\"\\/bfnrt";
    const char c = rest[1];
    if (kSame.find(c) != kSame.npos) {
      out.append(rest.substr(0, 2));
      return 2;
    }
    if (c == '\'') {
      out += '\'';
      return 2;
    }
    const size_t digits = c == 'u' ? 4 : c == 'x' ? 2 : 0;
    if (digits > 0) {
      if (rest.size() < 2 + digits) return 0;
      const std::string_view hex = rest.substr(2, digits);
      if (hex.find_first_not_of("0123456789abcdefABCDEF") == hex.npos) {
        out += digits == 2 ? "\\u00" : "\\u";
        out += hex;
        return 2 + digits;
      }
    }
    out += "\\\\";  // an unknown escape stands for itself
    return 1;
  }

  const bool python_;
  const std::string quote_;
  std::string closing_;  // of the string at hand
  Expect expect_;
  bool begun_ = false;
  bool in_key_ = false;
  std::string open_;
};

}  // namespace

std::unique_ptr<ArgumentReader> MakeLiteralReader(const ChatFormat& format) {
  return std::make_unique<LiteralReader>(format.arguments == ChatFormat::Arguments::kPython,
                                         format.quote);
}

}  // namespace hearth::serving
