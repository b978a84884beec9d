// Fields: reads the members of a request's JSON object and keeps the first complaint.
//
// A member that is null counts as absent. After a complaint everything reads as absent, so that a
// parser is a list of reads with one check at its end.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/json.h"
#include "runtime/http/api_error.h"

namespace hearth::http::openai {

class Fields {
 public:
  // `path` is what leads to the object, such as "messages[2]"; empty at the top.
  Fields(const Json& object, std::string path, std::optional<ApiError>& error)
      : object_(object), path_(std::move(path)), error_(error) {}

  const Json* Find(std::string_view name) const;
  const Json* Object(std::string_view name);
  const Json* Array(std::string_view name);
  std::optional<bool> Bool(std::string_view name);
  std::optional<double> Number(std::string_view name, double low, double high);
  std::optional<int64_t> Integer(std::string_view name, int64_t low, int64_t high);
  std::optional<std::string> String(std::string_view name);
  std::optional<std::string> OneOf(std::string_view name,
                                   std::initializer_list<std::string_view> words);
  // A field that we know and do not support: only these values, which change nothing, pass.
  void Neutral(std::string_view name, std::initializer_list<Json> values, std::string_view why);

  std::string Path(std::string_view name) const;
  void Complain(std::string_view name, std::string message);
  bool failed() const { return error_.has_value(); }

 private:
  // Complains about a member of another type than `wanted`.
  void WrongType(std::string_view name, const Json& value, std::string_view wanted);

  const Json& object_;
  std::string path_;
  std::optional<ApiError>& error_;
};

}  // namespace hearth::http::openai
