#include "mcp/auth/authorization_request.h"

#include <catch2/catch.hpp>

namespace hearth::mcp {

TEST_CASE("the page says what is asked for, with a challenge of its own") {
  // Appendix B of RFC 7636.
  AuthorizationRequest request{.client_id = "c d",
                               .redirect_uri = "http://127.0.0.1:1/callback",
                               .resource = "https://a.b/mcp",
                               .state = "s",
                               .verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"};
  AuthServerMetadata server{.issuer = "https://i", .authorization_endpoint = "https://i/a"};
  CHECK(request.Page(server) ==
        "https://i/a?response_type=code&client_id=c%20d&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F"
        "callback&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&"
        "code_challenge_method=S256&resource=https%3A%2F%2Fa.b%2Fmcp");
  request.scope = "x offline_access";
  server.authorization_endpoint = "https://i/a?t=1";
  CHECK(request.Page(server).starts_with("https://i/a?t=1&response_type=code&"));
  CHECK(request.Page(server).ends_with("&scope=x%20offline_access&prompt=consent"));
  const auto one = AuthorizationRequest::Make();
  const auto other = AuthorizationRequest::Make();
  CHECK(one.verifier.size() >= 43);
  CHECK(one.verifier != other.verifier);
  CHECK(one.state != other.state);
  CHECK(one.state != one.verifier);
}

TEST_CASE("only the answer to this request from this issuer is taken") {
  const AuthorizationRequest request{.state = "s1"};
  const AuthServerMetadata silent{.issuer = "https://i"};
  const AuthServerMetadata naming{.issuer = "https://i", .names_itself = true};
  struct Case {
    const AuthServerMetadata& server;
    const char* query;
    bool good;
  };
  const Case cases[] = {
      {silent, "code=c&state=s1", true},
      {silent, "code=c&state=s1&iss=https%3A%2F%2Fi", true},
      {naming, "code=c&state=s1&iss=https%3A%2F%2Fi", true},
      {naming, "code=c&state=s1", false},
      {silent, "code=c&state=s1&iss=https%3A%2F%2Fi%2F", false},
      {silent, "code=c&state=s1&iss=https%3A%2F%2Fj", false},
      {silent, "code=c&state=s2", false},
      {silent, "code=c", false},
      {silent, "state=s1", false},
      {silent, "code=c&state=s1&error=access_denied", false},
      {silent, "", false},
  };
  for (const Case& one : cases) {
    CAPTURE(one.query);
    const auto code = request.TakeCode(one.server, one.query);
    CHECK(code.ok() == one.good);
    if (code.ok()) CHECK(*code == "c");
  }
  CHECK(request.TakeCode(silent, "state=s1&error=denied&error_description=by+you%0A")
            .error()
            .message.find("denied, by you") != std::string::npos);
}

TEST_CASE("scopes are sets") {
  CHECK(UnionOfScopes("a b", "b  c") == "a b c");
  CHECK(UnionOfScopes("", "") == "");
  CHECK(HoldsScopes("a b", "b"));
  CHECK(HoldsScopes("a b", ""));
  CHECK_FALSE(HoldsScopes("ab", "a"));
}

}  // namespace hearth::mcp
