// Metadata: who guards an MCP server, and where that authorization server takes what (RFC 9728,
// RFC 8414, OpenID Connect Discovery 1.0).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/net/url.h"

namespace hearth::mcp {

// Of a protected resource: an MCP server.
struct ResourceMetadata {
  std::string resource;
  std::vector<std::string> authorization_servers;  // issuers
  std::vector<std::string> scopes;                 // supported
};

// Of an authorization server.
struct AuthServerMetadata {
  std::string issuer;
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string registration_endpoint;  // empty where it has none
  std::vector<std::string> scopes;    // supported
  std::vector<std::string> grant_types;
  std::vector<std::string> token_auth_methods;  // empty: client_secret_basic
  std::vector<std::string> challenge_methods;   // of PKCE
  bool takes_client_metadata = false;           // an address as client_id
  bool names_itself = false;                    // "iss" in its answers (RFC 9207)
};

// Errors name the member that is missing or of another type.
Result<ResourceMetadata> ReadResourceMetadata(std::string_view text);
Result<AuthServerMetadata> ReadAuthServerMetadata(std::string_view text);

// Whether a resource's own name covers the server: the same origin, and a path that its path begins
// with.
bool Covers(const std::string& resource, const net::Url& server);

// Where to look, in that order.
std::vector<std::string> ResourceMetadataAddresses(const net::Url& server);
std::vector<std::string> AuthServerMetadataAddresses(const net::Url& issuer);

}  // namespace hearth::mcp
