// Authorizer: what a server behind HTTP is shown so that it lets us in.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "runtime/base/core/result.h"

namespace hearth::mcp {

// Thread-safe.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // The value of the header Authorization; empty where there is none yet.
  virtual std::string Header() = 0;
  // The server refused a request that carried `header` with 401, or with 403 for want of scope.
  // Ok: there is another header now, ask again. May take as long as a person takes.
  virtual Status Challenge(const std::string& header, int status, std::string_view www_authenticate,
                           std::stop_token stop) = 0;
};

}  // namespace hearth::mcp
