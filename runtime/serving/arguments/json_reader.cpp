// Arguments as one JSON object: checked byte by byte and passed on as they are.
#include "runtime/serving/arguments/argument_reader.h"
#include "runtime/serving/text_match.h"

namespace hearth::serving {
namespace {

class JsonReader : public ArgumentReader {
 public:
  Outcome Read(std::string& buffer, std::string& out) override {
    size_t used = 0;
    Outcome outcome = Outcome::kMore;
    while (used < buffer.size() && outcome == Outcome::kMore) {
      const char c = buffer[used];
      outcome = Take(c);
      if (outcome == Outcome::kBroken) break;
      ++used;
      if (expect_ != Expect::kStart) out += c;
    }
    buffer.erase(0, used);
    return outcome;
  }

 private:
  enum class Expect : uint8_t {
    kStart,  // of the object
    kKeyOrClose,
    kKey,
    kColon,
    kValue,
    kValueOrClose,
    kCommaOrClose,
    kInString,
    kAfterBackslash,
    kInScalar,  // a number or a word
  };
  static constexpr size_t kDeepest = 64;

  // What a number or word spells is judged when the whole object is parsed.
  static bool IsScalar(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' ||
           c == 'E';
  }

  Outcome Take(char c) {
    switch (expect_) {
      case Expect::kInString:
        if (c == '\\') expect_ = Expect::kAfterBackslash;
        if (c == '"') expect_ = in_key_ ? Expect::kColon : Expect::kCommaOrClose;
        return static_cast<unsigned char>(c) < 0x20 || c == kControlBegin ? Outcome::kBroken
                                                                          : Outcome::kMore;
      case Expect::kAfterBackslash:
        expect_ = Expect::kInString;
        return std::string_view("\"\\/bfnrtu").find(c) != std::string_view::npos ? Outcome::kMore
                                                                                 : Outcome::kBroken;
      case Expect::kInScalar:
        if (IsScalar(c)) return Outcome::kMore;
        expect_ = Expect::kCommaOrClose;
        break;
      default:
        break;
    }
    return IsSpace(c) ? Outcome::kMore : TakeStructure(c);
  }

  Outcome TakeStructure(char c) {
    switch (expect_) {
      case Expect::kStart:
        return c == '{' ? Open(c) : Outcome::kBroken;
      case Expect::kKeyOrClose:
        if (c == '}') return Close(c);
        [[fallthrough]];
      case Expect::kKey:
        if (c != '"') return Outcome::kBroken;
        in_key_ = true;
        expect_ = Expect::kInString;
        return Outcome::kMore;
      case Expect::kColon:
        expect_ = Expect::kValue;
        return c == ':' ? Outcome::kMore : Outcome::kBroken;
      case Expect::kValueOrClose:
        if (c == ']') return Close(c);
        [[fallthrough]];
      case Expect::kValue:
        if (c == '{' || c == '[') return Open(c);
        in_key_ = false;
        expect_ = c == '"' ? Expect::kInString : Expect::kInScalar;
        return c == '"' || IsScalar(c) ? Outcome::kMore : Outcome::kBroken;
      case Expect::kCommaOrClose:
        if (c != ',') return Close(c);
        expect_ = open_.back() == '{' ? Expect::kKey : Expect::kValue;
        return Outcome::kMore;
      default:
        return Outcome::kBroken;
    }
  }

  Outcome Open(char c) {
    if (open_.size() == kDeepest) return Outcome::kBroken;
    open_ += c;
    expect_ = c == '{' ? Expect::kKeyOrClose : Expect::kValueOrClose;
    return Outcome::kMore;
  }
  Outcome Close(char c) {
    if (c != (open_.back() == '{' ? '}' : ']')) return Outcome::kBroken;
    open_.pop_back();
    expect_ = Expect::kCommaOrClose;
    return open_.empty() ? Outcome::kDone : Outcome::kMore;
  }

  Expect expect_ = Expect::kStart;
  bool in_key_ = false;
  std::string open_;  // brackets
};

}  // namespace

std::unique_ptr<ArgumentReader> MakeJsonReader() { return std::make_unique<JsonReader>(); }

std::unique_ptr<ArgumentReader> MakeArgumentReader(const ChatFormat& format, const Json* parameters,
                                                   std::string_view closing) {
  switch (format.arguments) {
    case ChatFormat::Arguments::kJson:
      return MakeJsonReader();
    case ChatFormat::Arguments::kTagged:
      return MakeTaggedReader(format, parameters, closing);
    case ChatFormat::Arguments::kPython:
    case ChatFormat::Arguments::kBraces:
      return MakeLiteralReader(format);
  }
  return nullptr;
}

}  // namespace hearth::serving
