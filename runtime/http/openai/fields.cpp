#include "runtime/http/openai/fields.h"

#include <cmath>

namespace hearth::http::openai {

std::string Fields::Path(std::string_view name) const {
  return path_.empty() ? std::string(name) : Concat(path_, ".", name);
}

void Fields::Complain(std::string_view name, std::string message) {
  if (error_) return;
  std::string path = Path(name);
  message = Concat(path, ": ", message);
  error_ = BadField(std::move(path), std::move(message));
}

void Fields::WrongType(std::string_view name, const Json& value, std::string_view wanted) {
  Complain(name, Concat("must be ", wanted, ", not ", JsonTypeName(value)));
}

const Json* Fields::Find(std::string_view name) const {
  if (error_) return nullptr;
  const Json* value = FindMember(object_, name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const Json* Fields::Object(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr || value->is_object()) return value;
  WrongType(name, *value, "an object");
  return nullptr;
}

const Json* Fields::Array(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr || value->is_array()) return value;
  WrongType(name, *value, "an array");
  return nullptr;
}

std::optional<bool> Fields::Bool(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  WrongType(name, *value, "true or false");
  return std::nullopt;
}

std::optional<double> Fields::Number(std::string_view name, double low, double high) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    WrongType(name, *value, "a number");
    return std::nullopt;
  }
  const double number = value->get<double>();
  if (number >= low && number <= high) return number;
  Complain(name, Concat(number, " is not between ", low, " and ", high));
  return std::nullopt;
}

std::optional<int64_t> Fields::Integer(std::string_view name, int64_t low, int64_t high) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  const bool whole =
      value->is_number_integer() ||
      (value->is_number_float() && std::trunc(value->get<double>()) == value->get<double>());
  if (!whole) {
    WrongType(name, *value, "an integer");
    return std::nullopt;
  }
  // Beyond int64 the bounds decide, whatever the exact value is.
  const double roughly = value->get<double>();
  constexpr double kLimit = 9.2e18;
  const bool in_range = roughly > -kLimit && roughly < kLimit;
  const int64_t number = !in_range                  ? (roughly < 0 ? INT64_MIN : INT64_MAX)
                         : value->is_number_float() ? static_cast<int64_t>(roughly)
                                                    : value->get<int64_t>();
  if (number >= low && number <= high) return number;
  Complain(name, Concat(DumpJson(*value), " is not between ", low, " and ", high));
  return std::nullopt;
}

std::optional<std::string> Fields::String(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  WrongType(name, *value, "a string");
  return std::nullopt;
}

std::optional<std::string> Fields::OneOf(std::string_view name,
                                         std::initializer_list<std::string_view> words) {
  auto given = String(name);
  if (!given) return std::nullopt;
  std::string list;
  for (const std::string_view word : words) {
    if (*given == word) return given;
    list += Concat(list.empty() ? "" : ", ", word);
  }
  Complain(name, Concat("'", given->substr(0, 100), "' is none of ", list));
  return std::nullopt;
}

void Fields::Neutral(std::string_view name, std::initializer_list<Json> values,
                     std::string_view why) {
  const Json* value = Find(name);
  if (value == nullptr) return;
  for (const Json& neutral : values) {
    if (*value == neutral) return;
  }
  Complain(name, std::string(why));
}

}  // namespace hearth::http::openai
