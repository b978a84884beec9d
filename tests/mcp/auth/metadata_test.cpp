#include "mcp/auth/metadata.h"

#include <catch2/catch.hpp>

namespace hearth::mcp {
namespace {

using Strings = std::vector<std::string>;

net::Url At(const char* text) { return *net::Url::Parse(text); }

}  // namespace

TEST_CASE("metadata is looked for where the standards put it") {
  CHECK(ResourceMetadataAddresses(At("https://a.b/mcp/")) ==
        Strings{"https://a.b/.well-known/oauth-protected-resource/mcp",
                "https://a.b/.well-known/oauth-protected-resource"});
  CHECK(ResourceMetadataAddresses(At("https://a.b")) ==
        Strings{"https://a.b/.well-known/oauth-protected-resource"});
  CHECK(AuthServerMetadataAddresses(At("https://a.b/tenant")) ==
        Strings{"https://a.b/.well-known/oauth-authorization-server/tenant",
                "https://a.b/.well-known/openid-configuration/tenant",
                "https://a.b/tenant/.well-known/openid-configuration"});
  CHECK(AuthServerMetadataAddresses(At("https://a.b/")) ==
        Strings{"https://a.b/.well-known/oauth-authorization-server",
                "https://a.b/.well-known/openid-configuration"});
}

TEST_CASE("a resource covers its own paths and no other's") {
  const net::Url server = At("https://a.b/mcp/one");
  for (const char* resource : {"https://a.b", "https://a.b/", "https://A.b:443/mcp",
                               "https://a.b/mcp/one", "https://a.b/mcp/one/"}) {
    CAPTURE(resource);
    CHECK(Covers(resource, server));
  }
  for (const char* resource :
       {"https://a.b/mc", "https://a.b/mcp/two", "https://a.b/mcp/one/more", "http://a.b/mcp",
        "https://a.b.c/mcp", "https://a.b:444/mcp", "x", ""}) {
    CAPTURE(resource);
    CHECK_FALSE(Covers(resource, server));
  }
}

TEST_CASE("metadata that is wrong says where") {
  const auto resource = ReadResourceMetadata(
      R"({"resource": "https://a.b", "authorization_servers": ["https://c.d"], "more": 1})");
  REQUIRE(resource.ok());
  CHECK(resource->authorization_servers == Strings{"https://c.d"});
  const auto server = ReadAuthServerMetadata(
      R"({"issuer": "https://c.d", "token_endpoint": "https://c.d/t", "scopes_supported": null,
          "authorization_response_iss_parameter_supported": true})");
  REQUIRE(server.ok());
  CHECK(server->names_itself);
  CHECK_FALSE(server->takes_client_metadata);
  CHECK(ReadResourceMetadata("{}").error().message.find("resource") != std::string::npos);
  CHECK(ReadResourceMetadata(R"({"resource": "x", "authorization_servers": [1]})")
            .error()
            .message.find("authorization_servers") != std::string::npos);
  CHECK_FALSE(ReadResourceMetadata("[]").ok());
  CHECK_FALSE(ReadResourceMetadata("<html>").ok());
  CHECK_FALSE(ReadAuthServerMetadata(R"({"issuer": "https://c.d"})").ok());
  CHECK_FALSE(ReadAuthServerMetadata(R"({"issuer": 1, "token_endpoint": "x"})").ok());
}

}  // namespace hearth::mcp
