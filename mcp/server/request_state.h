// RequestSealer: signs what a client carries for us between the rounds of a request.
//
// A sealed state is base64url(JSON) "." base64url(HMAC-SHA-256). The JSON binds it to whom it was
// given, to the request (a digest of method, name and arguments) and to a time after which it is
// void. The key is random and lives as long as the process.
#pragma once

#include <string>
#include <string_view>

#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::mcp {

// Thread-safe.
class RequestSealer {
 public:
  explicit RequestSealer(const Clock& clock);

  // `request` is a text that only the same request has.
  std::string Seal(std::string_view principal, std::string_view request, const Json& answers) const;
  // The answers so far; kInvalidArgument where the state is not ours, for another request or
  // client, or too old.
  Result<Json> Open(std::string_view principal, std::string_view request,
                    std::string_view state) const;

 private:
  const Clock& clock_;
  std::string key_;
};

}  // namespace hearth::mcp
