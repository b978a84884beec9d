#include "grammars/schema/json_text.h"

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace hearth::grammar {

namespace {

using Json = nlohmann::ordered_json;

// Takes the events of nlohmann's parser. What is not yet closed lies on one stack, so that a
// finished array or object is made in its final size.
class Collector : public nlohmann::json_sax<Json> {
 public:
  explicit Collector(size_t max_depth) : max_depth_(max_depth) {}

  Json TakeRoot() { return std::move(values_[0].second); }
  const std::string& problem() const { return problem_; }

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    const auto written = Decimal::Parse(text);
    Json number = value;
    if (written && Decimal::Parse(number.dump()) != written) {
      const std::string digits = written->ToString();
      return Add(Json::binary({digits.begin(), digits.end()}));
    }
    return Add(std::move(number));
  }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Open(); }
  bool start_array(std::size_t) override { return Open(); }
  bool key(string_t& value) override {
    key_ = std::move(value);
    return true;
  }
  bool end_object() override {
    const size_t begin = open_.back().begin;
    const std::vector<bool> replaced = Replaced(begin);
    Json::object_t members;
    members.reserve(values_.size() - begin);
    for (size_t i = begin; i < values_.size(); ++i) {
      if (!replaced.empty() && replaced[i - begin]) continue;
      static_cast<std::vector<Json::object_t::value_type>&>(members).emplace_back(
          std::move(values_[i].first), std::move(values_[i].second));
    }
    return Close(std::move(members));
  }
  bool end_array() override {
    const size_t begin = open_.back().begin;
    Json::array_t items;
    items.reserve(values_.size() - begin);
    for (size_t i = begin; i < values_.size(); ++i) items.push_back(std::move(values_[i].second));
    return Close(std::move(items));
  }
  bool parse_error(std::size_t at, const std::string&,
                   const nlohmann::detail::exception& error) override {
    problem_ = error.id == 406 ? "a number beyond the range of a double at byte "
                               : "not valid JSON at byte ";
    problem_ += std::to_string(at);
    return false;
  }

 private:
  struct Container {
    size_t begin;     // in values_
    std::string key;  // of the container in its own parent
  };

  bool Add(Json value) {
    values_.emplace_back(std::move(key_), std::move(value));
    key_.clear();
    return true;
  }
  bool Open() {
    if (open_.size() >= max_depth_) {
      problem_ = "nested deeper than " + std::to_string(max_depth_) + " levels";
      return false;
    }
    open_.push_back({values_.size(), std::move(key_)});
    key_.clear();
    return true;
  }
  bool Close(Json value) {
    values_.resize(open_.back().begin);
    key_ = std::move(open_.back().key);
    open_.pop_back();
    return Add(std::move(value));
  }
  // Of members with one name the last counts. Empty: all names differ.
  std::vector<bool> Replaced(size_t begin) const {
    constexpr size_t kFew = 12;
    const size_t count = values_.size() - begin;
    const auto name = [&](size_t i) -> const std::string& { return values_[begin + i].first; };
    std::vector<bool> replaced;
    std::unordered_set<std::string_view> seen;
    for (size_t i = count; i-- > 0;) {
      bool again = false;
      if (count > kFew) {
        again = !seen.insert(name(i)).second;
      } else {
        for (size_t k = i + 1; k < count && !again; ++k) again = name(k) == name(i);
      }
      if (!again) continue;
      replaced.resize(count);
      replaced[i] = true;
    }
    return replaced;
  }

  size_t max_depth_;
  std::vector<std::pair<std::string, Json>> values_;
  std::vector<Container> open_;
  std::string key_;
  std::string problem_;
};

}  // namespace

Result<Json> ParseJsonText(std::string_view text, size_t max_depth) {
  Collector collector(max_depth);
  if (!Json::sax_parse(text.data(), text.data() + text.size(), &collector)) {
    return MakeError(ErrorCode::kInvalidArgument, collector.problem());
  }
  return collector.TakeRoot();
}

std::optional<Decimal> NumberOf(const Json& value) {
  if (value.is_binary()) {
    const auto& digits = value.get_binary();
    return Decimal::Parse({reinterpret_cast<const char*>(digits.data()), digits.size()});
  }
  return value.is_number() ? Decimal::Parse(value.dump()) : std::nullopt;
}

}  // namespace hearth::grammar
