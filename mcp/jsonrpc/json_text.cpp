#include "mcp/jsonrpc/json_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "runtime/base/unicode.h"

namespace hearth::mcp {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Sixteen characters, compared at once (a vector type of GCC and Clang, on any processor).
using Block = signed char __attribute__((vector_size(16)));

bool IsPlain(const char* at) {
  Block block;
  std::memcpy(&block, at, sizeof(block));
  // As signed numbers, control characters and all that is 0x80 or more lie below the space.
  const auto special = (block < ' ') | (block == '"') | (block == '\\');
  uint64_t halves[2];
  std::memcpy(halves, &special, sizeof(halves));
  return (halves[0] | halves[1]) == 0;
}

// Bytes that stand for themselves in a string: no quote, no backslash, no control character, and
// below 0x80.
const char* SkipPlain(const char* at, const char* end) {
  while (end - at >= 16 && IsPlain(at)) at += 16;
  while (at != end && static_cast<unsigned char>(*at) >= 0x20 &&
         static_cast<unsigned char>(*at) < 0x80 && *at != '"' && *at != '\\') {
    ++at;
  }
  return at;
}

// Bytes of the UTF-8 sequence at `at`, whose first byte is 0x80 or more; 0 where it is none.
int Utf8Length(const char* at, const char* end) {
  const auto byte = [&](int i) { return static_cast<unsigned char>(at[i]); };
  const auto follows = [&](int i) { return at + i < end && (byte(i) & 0xC0) == 0x80; };
  const unsigned char first = byte(0);
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) >= 0xA0) return 0;  // a surrogate
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) >= 0x90) return 0;
    return 4;
  }
  return 0;
}

bool IsSpaceByte(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

const char* SkipSpace(const char* at, const char* end) {
  while (at != end && IsSpaceByte(*at)) ++at;
  return at;
}

// One pass over text that nobody has looked at.
class Checker {
 public:
  explicit Checker(std::string_view text)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}

  Status Check() {
    bool wants_value = true;
    for (;;) {
      at_ = SkipSpace(at_, end_);
      if (wants_value) {
        HEARTH_CHECK_OK(CheckValue(wants_value));
        continue;
      }
      if (depth_ == 0) break;
      HEARTH_CHECK_OK(CheckAfterValue(wants_value));
    }
    return at_ == end_ ? Status() : Fault("nothing may follow the value");
  }

 private:
  Error Fault(const char* what) const {
    if (at_ == end_) {
      return MakeError(ErrorCode::kInvalidArgument, "the JSON text ends too early, at byte ",
                       at_ - begin_);
    }
    return MakeError(ErrorCode::kInvalidArgument, "byte ", at_ - begin_, ": ", what);
  }

  // Takes a scalar, an empty container, or the opening of a container.
  Status CheckValue(bool& wants_value) {
    if (at_ == end_) return Fault("");
    wants_value = false;
    switch (*at_) {
      case '"':
        return CheckString();
      case '{':
        return Open(true, wants_value);
      case '[':
        return Open(false, wants_value);
      case 't':
        return CheckWord("true");
      case 'f':
        return CheckWord("false");
      case 'n':
        return CheckWord("null");
      default:
        return CheckNumber();
    }
  }

  Status Open(bool object, bool& wants_value) {
    if (depth_ == kMaxJsonDepth) {
      return MakeError(ErrorCode::kResourceExhausted, "byte ", at_ - begin_,
                       ": nested deeper than ", kMaxJsonDepth, " levels");
    }
    is_object_[static_cast<size_t>(depth_++)] = object;
    at_ = SkipSpace(at_ + 1, end_);
    if (at_ != end_ && *at_ == (object ? '}' : ']')) {
      ++at_;
      --depth_;
      return {};
    }
    wants_value = true;
    return object ? CheckName() : Status();
  }

  Status CheckName() {
    if (at_ == end_ || *at_ != '"') return Fault("a member's name must come here");
    HEARTH_CHECK_OK(CheckString());
    at_ = SkipSpace(at_, end_);
    if (at_ == end_ || *at_ != ':') return Fault("a colon must follow a member's name");
    ++at_;
    return {};
  }

  // Takes closing brackets, or a comma (and a name).
  Status CheckAfterValue(bool& wants_value) {
    const bool object = is_object_[static_cast<size_t>(depth_ - 1)];
    if (at_ == end_) return Fault("");
    if (*at_ == (object ? '}' : ']')) {
      ++at_;
      --depth_;
      return {};
    }
    if (*at_ != ',') {
      return Fault(object ? "a comma or '}' must come here" : "a comma or ']' must come here");
    }
    wants_value = true;
    at_ = SkipSpace(at_ + 1, end_);
    return object ? CheckName() : Status();
  }

  Status CheckString() {
    ++at_;
    for (;;) {
      at_ = SkipPlain(at_, end_);
      if (at_ == end_) return Fault("");
      const char c = *at_;
      if (c == '"') {
        ++at_;
        return {};
      }
      if (c == '\\') {
        HEARTH_CHECK_OK(CheckEscape());
      } else if (static_cast<unsigned char>(c) < 0x20) {
        return Fault("a control character in a string must be escaped");
      } else {
        const int length = Utf8Length(at_, end_);
        if (length == 0) return Fault("this is no UTF-8");
        at_ += length;
      }
    }
  }

  Status CheckEscape() {
    ++at_;
    if (at_ == end_) return Fault("");
    if (*at_ == 'u') {
      for (int i = 0; i < 4; ++i) {
        ++at_;
        if (at_ == end_ || HexValue(*at_) < 0) return Fault("four hexadecimal digits follow \\u");
      }
    } else if (std::strchr("\"\\/bfnrt", *at_) == nullptr || *at_ == '\0') {
      return Fault("this escape does not exist");
    }
    ++at_;
    return {};
  }

  Status CheckWord(std::string_view word) {
    if (std::string_view(at_, static_cast<size_t>(end_ - at_)).substr(0, word.size()) != word) {
      return Fault("a value must come here");
    }
    at_ += word.size();
    return {};
  }

  Status CheckNumber() {
    if (*at_ == '-') ++at_;
    if (at_ == end_ || !IsDigit(*at_)) return Fault("a value must come here");
    if (*at_ == '0') {
      ++at_;
    } else {
      SkipDigits();
    }
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      if (!SkipDigits()) return Fault("digits follow a decimal point");
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!SkipDigits()) return Fault("digits follow an exponent's e");
    }
    return {};
  }

  bool SkipDigits() {
    const char* first = at_;
    while (at_ != end_ && IsDigit(*at_)) ++at_;
    return at_ != first;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  int depth_ = 0;
  std::array<bool, kMaxJsonDepth> is_object_{};
};

// ---- From here on text is trusted ----

// From an opening quote to behind the closing one.
const char* SkipString(const char* at, const char* end) {
  const char* from = ++at;
  for (;;) {
    const auto* quote =
        static_cast<const char*>(std::memchr(from, '"', static_cast<size_t>(end - from)));
    if (quote == nullptr) return end;
    // A quote is escaped by an odd number of backslashes before it.
    const char* before = quote;
    while (before != at && before[-1] == '\\') --before;
    from = quote + 1;
    if ((quote - before) % 2 == 0) return from;
  }
}

const char* SkipValue(const char* at, const char* end) {
  int depth = 0;
  while (at < end) {
    const char c = *at;
    if (c == '"') {
      at = SkipString(at, end);
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at;
      continue;
    } else if (c == '}' || c == ']') {
      --depth;
      ++at;
    } else if (depth > 0) {
      ++at;
      continue;
    } else {
      while (at < end && *at != ',' && *at != '}' && *at != ']' && !IsSpaceByte(*at)) ++at;
    }
    if (depth == 0) return at;
  }
  return end;
}

std::string_view Between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

uint32_t ReadHex4(const char* at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value * 16 + static_cast<uint32_t>(HexValue(at[i]));
  return value;
}

// Decodes one escape; `at` stands behind the backslash and is moved behind the escape.
void AppendEscape(std::string& out, const char*& at, const char* end) {
  const char c = *at++;
  switch (c) {
    case 'b':
      out += '\b';
      return;
    case 'f':
      out += '\f';
      return;
    case 'n':
      out += '\n';
      return;
    case 'r':
      out += '\r';
      return;
    case 't':
      out += '\t';
      return;
    case 'u':
      break;
    default:
      out += c;
      return;
  }
  uint32_t code = ReadHex4(at);
  at += 4;
  if (code >= 0xD800 && code <= 0xDBFF && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
    const uint32_t low = ReadHex4(at + 2);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      at += 6;
    }
  }
  if (code >= 0xD800 && code <= 0xDFFF) {
    out += kReplacement;
  } else {
    AppendUtf8(out, code);
  }
}

// Builds a document; recurses as deep as the text is nested, which CheckJson has bounded.
class Builder {
 public:
  explicit Builder(size_t max_values) : left_(max_values) {}

  Result<Json> Build(std::string_view text) {
    if (left_-- == 0) {
      return MakeError(ErrorCode::kResourceExhausted, "the JSON text has too many values");
    }
    switch (text.front()) {
      case '"':
        return Json(DecodeJsonString(text));
      case '{':
        return BuildObject(text);
      case '[':
        return BuildArray(text);
      case 't':
        return Json(true);
      case 'f':
        return Json(false);
      case 'n':
        return Json(nullptr);
      default:
        return BuildNumber(text);
    }
  }

 private:
  Result<Json> BuildObject(std::string_view text) {
    Json object = Json::object();
    auto& members = object.get_ref<Json::object_t&>();
    std::set<std::string> names;  // of large objects, where looking at each would take too long
    constexpr size_t kFew = 16;
    JsonObjectReader reader(text);
    while (reader.Next()) {
      std::string name = DecodeName(reader.name());
      bool is_twice = false;
      if (members.size() < kFew) {
        for (const auto& member : members) is_twice |= member.first == name;
      } else {
        if (names.empty()) {
          for (const auto& member : members) names.insert(member.first);
        }
        is_twice = !names.insert(name).second;
      }
      if (is_twice) {
        return MakeError(ErrorCode::kInvalidArgument, "the name '", name.substr(0, 60),
                         "' occurs twice in an object");
      }
      HEARTH_TRY(Json value, Build(reader.value()));
      members.push_back({std::move(name), std::move(value)});
    }
    return object;
  }

  Result<Json> BuildArray(std::string_view text) {
    Json array = Json::array();
    auto& elements = array.get_ref<Json::array_t&>();
    JsonArrayReader reader(text);
    while (reader.Next()) {
      HEARTH_TRY(Json value, Build(reader.value()));
      elements.push_back(std::move(value));
    }
    return array;
  }

  static std::string DecodeName(std::string_view raw) {
    if (raw.find('\\') == std::string_view::npos) return std::string(raw);
    return DecodeJsonString(Between(raw.data() - 1, raw.data() + raw.size() + 1));
  }

  static Result<Json> BuildNumber(std::string_view text) {
    const char* begin = text.data();
    const char* end = begin + text.size();
    if (text.find_first_of(".eE") == std::string_view::npos) {
      int64_t value = 0;
      if (std::from_chars(begin, end, value).ec == std::errc()) return Json(value);
      uint64_t large = 0;
      if (std::from_chars(begin, end, large).ec == std::errc()) return Json(large);
    }
    double value = 0;
    const auto [last, code] = std::from_chars(begin, end, value);
    // Too small is as good as nothing; too large is no number that we can keep.
    if (code == std::errc::result_out_of_range && std::abs(value) >= 1) {
      return MakeError(ErrorCode::kInvalidArgument, "the number ", text.substr(0, 40),
                       " is too large");
    }
    if (code == std::errc::result_out_of_range) {
      const bool huge = text.find('-', 1) == std::string_view::npos;
      if (huge) {
        return MakeError(ErrorCode::kInvalidArgument, "the number ", text.substr(0, 40),
                         " is too large");
      }
      return Json(0.0);
    }
    return Json(value);
  }

  size_t left_;
};

template <typename Number>
void AppendNumber(std::string& out, Number value) {
  char digits[40];
  const auto [end, code] = std::to_chars(digits, digits + sizeof(digits), value);
  out.append(digits, end);
}

}  // namespace

Status CheckJson(std::string_view text) { return Checker(text).Check(); }

std::string_view TrimJson(std::string_view text) {
  while (!text.empty() && IsSpaceByte(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpaceByte(text.back())) text.remove_suffix(1);
  return text;
}

JsonObjectReader::JsonObjectReader(std::string_view object)
    : at_(object.data() + 1), end_(object.data() + object.size()) {}

bool JsonObjectReader::Next() {
  at_ = SkipSpace(at_, end_);
  if (at_ < end_ && *at_ == ',') at_ = SkipSpace(at_ + 1, end_);
  if (at_ >= end_ || *at_ != '"') return false;
  const char* name = at_ + 1;
  at_ = SkipString(at_, end_);
  name_ = Between(name, at_ - 1);
  at_ = SkipSpace(at_, end_);
  const char* value = SkipSpace(at_ + 1, end_);
  at_ = SkipValue(value, end_);
  value_ = Between(value, at_);
  return true;
}

JsonArrayReader::JsonArrayReader(std::string_view array)
    : at_(array.data() + 1), end_(array.data() + array.size()) {}

bool JsonArrayReader::Next() {
  at_ = SkipSpace(at_, end_);
  if (at_ < end_ && *at_ == ',') at_ = SkipSpace(at_ + 1, end_);
  if (at_ >= end_ || *at_ == ']') return false;
  const char* value = at_;
  at_ = SkipValue(value, end_);
  value_ = Between(value, at_);
  return true;
}

std::string_view FindJsonMember(std::string_view object, std::string_view name) {
  if (!IsJsonObject(object)) return {};
  JsonObjectReader reader(object);
  while (reader.Next()) {
    if (reader.name() == name) return reader.value();
  }
  return {};
}

std::string DecodeJsonString(std::string_view text) {
  const char* at = text.data() + 1;
  const char* end = text.data() + text.size() - 1;
  std::string out;
  out.reserve(text.size() - 2);
  while (at < end) {
    const auto* backslash =
        static_cast<const char*>(std::memchr(at, '\\', static_cast<size_t>(end - at)));
    if (backslash == nullptr) backslash = end;
    out.append(at, backslash);
    at = backslash;
    if (at < end) AppendEscape(out, ++at, end);
  }
  return out;
}

Result<Json> ToJson(std::string_view text, size_t max_values) {
  return Builder(max_values).Build(TrimJson(text));
}

void AppendJsonString(std::string& out, std::string_view text) {
  const char* at = text.data();
  const char* end = at + text.size();
  constexpr size_t kSlack = 128;  // what usually follows a text
  if (out.capacity() - out.size() < text.size()) out.reserve(out.size() + text.size() + kSlack);
  out += '"';
  while (at != end) {
    const char* plain = at;
    at = SkipPlain(at, end);
    out.append(plain, at);
    if (at == end) break;
    const auto c = static_cast<unsigned char>(*at);
    if (c >= 0x80) {
      const int length = Utf8Length(at, end);
      if (length == 0) {
        out += kReplacement;
        ++at;
      } else {
        out.append(at, static_cast<size_t>(length));
        at += length;
      }
      continue;
    }
    ++at;
    out += '\\';
    switch (c) {
      case '"':
      case '\\':
        out += static_cast<char>(c);
        break;
      case '\n':
        out += 'n';
        break;
      case '\r':
        out += 'r';
        break;
      case '\t':
        out += 't';
        break;
      default:
        constexpr const char* kHex = "0123456789abcdef";
        out += "u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out += '"';
}

void AppendJson(std::string& out, const Json& value) {
  switch (value.type()) {
    case Json::value_t::object: {
      char separator = '{';
      for (const auto& [name, member] : value.get_ref<const Json::object_t&>()) {
        out += std::exchange(separator, ',');
        AppendJsonString(out, name);
        out += ':';
        AppendJson(out, member);
      }
      out += separator == '{' ? "{}" : "}";
      return;
    }
    case Json::value_t::array: {
      char separator = '[';
      for (const auto& element : value.get_ref<const Json::array_t&>()) {
        out += std::exchange(separator, ',');
        AppendJson(out, element);
      }
      out += separator == '[' ? "[]" : "]";
      return;
    }
    case Json::value_t::string:
      AppendJsonString(out, value.get_ref<const std::string&>());
      return;
    case Json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return;
    case Json::value_t::number_integer:
      AppendNumber(out, value.get<int64_t>());
      return;
    case Json::value_t::number_unsigned:
      AppendNumber(out, value.get<uint64_t>());
      return;
    case Json::value_t::number_float:
      if (std::isfinite(value.get<double>())) {
        AppendNumber(out, value.get<double>());
      } else {
        out += "null";
      }
      return;
    default:
      out += "null";
  }
}

std::string WriteJson(const Json& value) {
  std::string out;
  AppendJson(out, value);
  return out;
}

}  // namespace hearth::mcp
