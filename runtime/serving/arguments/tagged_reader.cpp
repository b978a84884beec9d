// Arguments between tags, each by itself: <parameter=title>\nBuy milk\n</parameter>\n. Strings are
// raw and pass on as they come; what the schema gives another type waits for its end.
#include <algorithm>
#include <vector>

#include "runtime/serving/arguments/argument_reader.h"
#include "runtime/serving/arguments/argument_types.h"
#include "runtime/serving/text_match.h"

namespace hearth::serving {
namespace {

using Kind = ChatFormat::Piece::Kind;

std::string_view TrimmedFront(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \n\t\r"), text.size()));
}

// Follows the strings of a JSON object or array as it comes; of anything else it follows nothing.
class JsonQuotes {
 public:
  bool open() const { return state_ == State::kString || state_ == State::kEscape; }

  void Read(std::string_view text) {
    for (const char c : text) Read(c);
  }

 private:
  enum class State : uint8_t { kBefore, kBetween, kString, kEscape, kNoJson };

  void Read(char c) {
    switch (state_) {
      case State::kBefore:
        if (!IsSpace(c)) state_ = c == '{' || c == '[' ? State::kBetween : State::kNoJson;
        break;
      case State::kBetween:
        if (c == '"') state_ = State::kString;
        break;
      case State::kString:
        // A line break stands in no string: the quotation mark before it was none.
        if (c == '\n') state_ = State::kNoJson;
        if (c == '"') state_ = State::kBetween;
        if (c == '\\') state_ = State::kEscape;
        break;
      case State::kEscape:
        state_ = State::kString;
        break;
      case State::kNoJson:
        break;
    }
  }

  State state_ = State::kBefore;
};

class TaggedReader : public ArgumentReader {
 public:
  TaggedReader(const ChatFormat& format, const Json* parameters, std::string_view closing)
      : pieces_(format.parameter), types_(parameters), closing_(closing) {
    for (size_t i = 0; i < pieces_.size(); ++i) {
      if (pieces_[i].kind == Kind::kValue) SetTerminators(TextAfter(i));
    }
  }

  Outcome Read(std::string& buffer, std::string& out) override {
    while (true) {
      const Outcome outcome = Step(buffer, out);
      if (outcome != Outcome::kMore || waits_) return outcome;
    }
  }

 private:
  std::string_view TextAfter(size_t i) const {
    return i + 1 < pieces_.size() ? std::string_view(pieces_[i + 1].text) : closing_;
  }
  // A value ends at the tag behind it, with or without the line break before it.
  void SetTerminators(std::string_view tag) {
    while (!tag.empty() && IsSpace(tag.back())) tag.remove_suffix(1);
    terminators_.emplace_back(tag);
    const std::string_view bare = TrimmedFront(tag);
    if (bare.size() != tag.size()) terminators_.emplace_back(bare);
  }
  Outcome Wait() {
    waits_ = true;
    return Outcome::kMore;
  }
  Outcome Go() {
    waits_ = false;
    at_ = (at_ + 1) % pieces_.size();
    return Outcome::kMore;
  }

  Outcome Step(std::string& buffer, std::string& out) {
    switch (pieces_[at_].kind) {
      case Kind::kKey:
        return Key(buffer, out);
      case Kind::kIsString:
        return IsString(buffer);
      case Kind::kValue:
        return Value(buffer, out);
      default:
        return at_ == 0 ? Between(buffer, out) : Text(buffer, out);
    }
  }

  // Another argument begins here, or the arguments are over.
  Outcome Between(std::string& buffer, std::string& out) {
    const TextMatch next = MatchText(pieces_[0].text, buffer);
    const TextMatch end = MatchText(closing_, buffer);
    if (end.kind == TextMatch::Kind::kYes && next.kind != TextMatch::Kind::kYes) {
      out += any_ ? "}" : "{}";
      return Outcome::kDone;
    }
    if (next.kind == TextMatch::Kind::kYes) {
      buffer.erase(0, next.used);
      return Go();
    }
    const bool may = next.kind == TextMatch::Kind::kMore || end.kind == TextMatch::Kind::kMore;
    return may ? Wait() : Outcome::kBroken;
  }

  Outcome Text(std::string& buffer, std::string&) {
    // The end of the last piece may be space that another argument's beginning skips as well.
    std::string_view text = pieces_[at_].text;
    if (at_ + 1 == pieces_.size()) {
      while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
    }
    const TextMatch match = MatchText(text, buffer);
    if (match.kind == TextMatch::Kind::kMore) return Wait();
    if (match.kind == TextMatch::Kind::kNo) return Outcome::kBroken;
    buffer.erase(0, match.used);
    return Go();
  }

  Outcome Key(std::string& buffer, std::string& out) {
    const char stop = TrimmedFront(TextAfter(at_))[0];
    const size_t end = buffer.find(stop);
    if (std::min(end, buffer.size()) > kLongestKey) return Outcome::kBroken;
    if (end == std::string::npos) return Wait();
    std::string_view key = std::string_view(buffer).substr(0, end);
    while (!key.empty() && IsSpace(key.back())) key.remove_suffix(1);
    if (key.empty() || key.find(kControlBegin) != key.npos) return Outcome::kBroken;
    out += any_ ? ", \"" : "{\"";
    any_ = true;
    AppendEscaped(key, out);
    out += "\": ";
    type_ = types_.Of(key);
    buffer.erase(0, end);
    return Go();
  }

  Outcome IsString(std::string& buffer) {
    for (const auto& [word, type] : {std::pair{std::string_view("true"), unsigned{kStringType}},
                                     {std::string_view("false"), kAnyType & ~kStringType}}) {
      if (buffer.starts_with(word)) {
        type_ = type;
        buffer.erase(0, word.size());
        return Go();
      }
      if (word.starts_with(buffer)) return Wait();
    }
    return Outcome::kBroken;
  }

  Outcome Value(std::string& buffer, std::string& out) {
    const bool raw = type_ == kStringType;
    if (raw && !in_value_) out += '"';
    in_value_ = true;
    while (true) {
      const FoundMarker end = FindFirst(buffer, terminators_);
      const bool found = end.at != std::string::npos;
      std::string_view piece = std::string_view(buffer).substr(0, end.clear);
      if (!raw) quotes_.Read(piece);
      // A tag inside a string of a JSON value ends nothing.
      const bool quoted = found && quotes_.open();
      if (quoted) {
        piece = std::string_view(buffer).substr(0, end.at + 1);
        quotes_.Read(piece.substr(end.at));
      }
      const size_t control = piece.find(kControlBegin);
      piece = piece.substr(0, control);
      if (raw) {
        AppendEscaped(piece, out);
      } else {
        value_ += piece;
      }
      buffer.erase(0, piece.size());
      if (control != piece.npos) return Outcome::kBroken;  // no value holds a control token
      if (!found) return Wait();
      if (!quoted) break;
    }
    quotes_ = {};
    out += raw ? "\"" : ValueFromText(value_, type_);
    value_.clear();
    in_value_ = false;
    return Go();
  }

  const std::vector<ChatFormat::Piece>& pieces_;
  const ArgumentTypes types_;
  const std::string closing_;
  std::vector<std::string> terminators_;
  size_t at_ = 0;
  bool waits_ = false;
  bool any_ = false;  // arguments so far
  unsigned type_ = kAnyType;
  bool in_value_ = false;
  std::string value_;
  JsonQuotes quotes_;
};

}  // namespace

std::unique_ptr<ArgumentReader> MakeTaggedReader(const ChatFormat& format, const Json* parameters,
                                                 std::string_view closing) {
  return std::make_unique<TaggedReader>(format, parameters, closing);
}

}  // namespace hearth::serving
