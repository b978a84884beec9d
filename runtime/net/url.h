// Url: an http or https address (RFC 3986), as far as a client needs to understand it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/core/result.h"

namespace hearth::net {

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // in lower case; an IPv6 address without its brackets
  uint16_t port = 0;   // the scheme's own where none is written
  std::string target;  // path and query as they are sent; begins with '/'

  // kInvalidArgument: another scheme, no host, a user name (passwords do not belong in addresses),
  // characters that no address has. A fragment is dropped.
  static Result<Url> Parse(std::string_view text);
  // What a reference found at this address means: a whole address, "//host/…" or "/path".
  Result<Url> Resolve(std::string_view reference) const;

  std::string path() const;       // without the query
  std::string authority() const;  // host and, where it is not the scheme's own, port
  std::string origin() const;     // scheme://authority
  std::string ToString() const;   // the path "/" is left out where it is all there is
  bool secure() const { return scheme == "https"; }
  // The machine itself: localhost, 127.0.0.0/8, ::1.
  bool loopback() const;
};

// Everything but letters, digits and "-._~" as %XX.
std::string PercentEncode(std::string_view text);
// "a=1&b=2", encoded.
std::string FormEncode(const std::vector<std::pair<std::string, std::string>>& fields);
// The fields of a query or a form; of a malformed one what can be read.
std::vector<std::pair<std::string, std::string>> FormDecode(std::string_view text);

}  // namespace hearth::net
