// ApiError: why a request is refused, before a wire dialect puts it into its own words.
#pragma once

#include <string>
#include <utility>

namespace hearth::http {

struct ApiError {
  int status = 400;
  std::string message;
  std::string param;    // the field that is to blame, as messages[2].content; may be empty
  std::string code;     // a word for programs, such as model_not_found; may be empty
  int retry_after = 0;  // seconds; 0: none
};

inline ApiError BadField(std::string param, std::string message) {
  return {400, std::move(message), std::move(param), "", 0};
}

}  // namespace hearth::http
