// AuthorizationRequest: the page that a person is sent to, and the check of what the browser comes
// back with (OAuth 2.1, section 4.1; PKCE, RFC 7636; RFC 9207).
#pragma once

#include <string>
#include <string_view>

#include "mcp/auth/metadata.h"
#include "runtime/base/core/result.h"

namespace hearth::mcp {

struct AuthorizationRequest {
  std::string client_id;
  std::string redirect_uri;
  std::string scope;     // empty: none is asked for
  std::string resource;  // the server that the token is for
  std::string state;     // both random, never used twice
  std::string verifier;

  // With a fresh state and verifier.
  static AuthorizationRequest Make();
  std::string Page(const AuthServerMetadata& server) const;
  // The code in the query that came back. Errors: the person or the server refused; the answer is
  // not to this request, or another issuer's.
  Result<std::string> TakeCode(const AuthServerMetadata& server, std::string_view query) const;
};

// The lists without what is twice in them, in the order of the first occurrence; separated by
// spaces.
std::string UnionOfScopes(std::string_view a, std::string_view b);
// Whether every scope of `wanted` is in `held`.
bool HoldsScopes(std::string_view held, std::string_view wanted);

}  // namespace hearth::mcp
