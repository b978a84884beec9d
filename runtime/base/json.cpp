#include "runtime/base/json.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>
#include <vector>

namespace hearth {
namespace {

// An iterator that tells how far the parser has read, which the SAX interface does not.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

std::string Where(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const size_t newline = before.rfind('\n');
  const size_t line = 1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t column = newline == std::string_view::npos ? offset : offset - newline - 1;
  return Concat("line ", line, ", column ", std::max<size_t>(column, 1));
}

// Text out of the document, for a message: not too long, and UTF-8 whatever it was.
std::string Readable(std::string_view text) {
  constexpr size_t kShown = 200;
  std::string shown(text.substr(0, kShown));
  if (text.size() > kShown) shown += "...";
  return Json::parse(DumpJson(Json(shown))).get<std::string>();
}

// Builds the document on an explicit stack and stops at the first limit.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, const char* const& position, const JsonLimits& limits)
      : text_(text), position_(position), limits_(limits) {}

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override {
    return Fail(ErrorCode::kInternal, "binary value in JSON text");
  }
  bool start_array(std::size_t) override { return Open(Json::array()); }
  bool end_array() override { return Close(); }
  bool start_object(std::size_t) override { return Open(Json::object()); }

  bool key(string_t& name) override {
    Frame& frame = stack_.back();
    if (frame.names.size() == limits_.max_object_members) {
      return Fail(ErrorCode::kResourceExhausted,
                  Concat("an object has more than ", limits_.max_object_members, " members"));
    }
    frame.names.push_back({name, Offset()});
    return true;
  }

  bool end_object() override {
    // Sorting finds a repeated name without a hash that an adversary could overload.
    auto& names = stack_.back().names;
    std::sort(names.begin(), names.end(), [](const Name& a, const Name& b) {
      return std::tie(a.text, a.offset) < std::tie(b.text, b.offset);
    });
    const auto twice = std::adjacent_find(
        names.begin(), names.end(), [](const Name& a, const Name& b) { return a.text == b.text; });
    if (twice != names.end()) {
      const Name& second = *std::next(twice);
      return FailAt(second.offset, ErrorCode::kInvalidArgument,
                    Concat("the name \"", Readable(second.text), "\" occurs twice in one object"));
    }
    return Close();
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: what was wrong"
    std::string_view what = error.what();
    if (const size_t at = what.find("] "); at != std::string_view::npos) what.remove_prefix(at + 2);
    if (what.starts_with("parse error at ")) {
      if (const size_t at = what.find(": "); at != std::string_view::npos)
        what.remove_prefix(at + 2);
    }
    return FailAt(position == 0 ? Offset() : position, ErrorCode::kInvalidArgument, Readable(what));
  }

  Result<Json> Take() {
    if (failed_) return std::move(error_);
    return std::move(root_);
  }

 private:
  struct Name {
    std::string text;
    size_t offset;
  };
  struct Frame {
    Json value;
    std::vector<Name> names;  // of an object: in order of appearance, the last one awaits its value
  };

  size_t Offset() const { return static_cast<size_t>(position_ - text_.data()); }

  bool Fail(ErrorCode code, std::string what) { return FailAt(Offset(), code, std::move(what)); }

  bool FailAt(size_t offset, ErrorCode code, const std::string& what) {
    failed_ = true;
    error_ = MakeError(code, "JSON, ", Where(text_, offset), ": ", what);
    return false;
  }

  bool Add(Json value) {
    if (++values_ > limits_.max_values) {
      return Fail(ErrorCode::kResourceExhausted,
                  Concat("the document has more than ", limits_.max_values, " values"));
    }
    Put(std::move(value));
    return true;
  }

  bool Open(Json container) {
    if (stack_.size() >= static_cast<size_t>(limits_.max_depth)) {
      return Fail(ErrorCode::kResourceExhausted,
                  Concat("nested deeper than ", limits_.max_depth, " levels"));
    }
    if (++values_ > limits_.max_values) {
      return Fail(ErrorCode::kResourceExhausted,
                  Concat("the document has more than ", limits_.max_values, " values"));
    }
    stack_.push_back({std::move(container), {}});
    return true;
  }

  bool Close() {
    Json value = std::move(stack_.back().value);
    stack_.pop_back();
    Put(std::move(value));
    return true;
  }

  void Put(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.value.is_array()) {
      frame.value.get_ref<Json::array_t&>().push_back(std::move(value));
    } else {
      // Appended without the look-up that the map's own insert makes for each member.
      auto& members = frame.value.get_ref<Json::object_t&>();
      members.emplace_back(frame.names.back().text, std::move(value));
    }
  }

  std::string_view text_;
  const char* const& position_;
  const JsonLimits& limits_;
  std::vector<Frame> stack_;
  Json root_;
  size_t values_ = 0;
  bool failed_ = false;
  Error error_;
};

}  // namespace

Result<Json> ParseJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return MakeError(ErrorCode::kResourceExhausted, "JSON of ", text.size(),
                     " bytes: no more than ", limits.max_bytes, " are accepted");
  }
  const char* position = text.data();
  Builder builder(text, position, limits);
  Json::sax_parse(CountingIterator(text.data(), &position),
                  CountingIterator(text.data() + text.size(), &position), &builder);
  return builder.Take();
}

std::string DumpJson(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

const Json* FindMember(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  for (const auto& [key, value] : object.get_ref<const Json::object_t&>()) {
    if (key == name) return &value;
  }
  return nullptr;
}

const char* JsonTypeName(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::boolean:
      return "boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return "integer";
    case Json::value_t::number_float:
      return "number";
    case Json::value_t::string:
      return "string";
    case Json::value_t::array:
      return "array";
    case Json::value_t::object:
      return "object";
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return "invalid";
}

}  // namespace hearth
