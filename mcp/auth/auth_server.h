// AuthServer: requests to an authorization server: finding it, registering with it, tokens from it.
//
// Addresses that servers name are followed only where they are https, or http on this machine for a
// server on this machine; a server elsewhere cannot send us to private addresses.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "mcp/auth/challenge.h"
#include "mcp/auth/metadata.h"
#include "mcp/token_store.h"
#include "runtime/base/core/result.h"
#include "runtime/net/http_client.h"

namespace hearth::mcp {

// Who guards a server.
struct Guard {
  AuthServerMetadata server;
  std::string resource;  // the name of what is guarded, as tokens carry it
  std::string scopes;    // that the resource says it has, separated by spaces
};

using Form = std::vector<std::pair<std::string, std::string>>;

class AuthServer {
 public:
  AuthServer(net::HttpClient& http, net::Url server);

  // From the MCP server's refusal to its authorization server.
  Result<Guard> Find(const Challenge& challenge, std::stop_token stop);
  // Dynamic client registration (RFC 7591), as a native application.
  Result<ClientRegistration> Register(const AuthServerMetadata& server,
                                      const std::string& redirect_uri, std::stop_token stop);
  // Tokens for a grant. The client shows who it is as its registration says.
  Result<Tokens> RequestTokens(const AuthServerMetadata& server, const ClientRegistration& client,
                               Form form, std::stop_token stop);

 private:
  Status Check(const std::string& address) const;
  // The body where the address answers 200 with JSON; nothing where it answers otherwise.
  Result<std::string> Get(const std::string& address, std::stop_token stop);
  Result<net::HttpResponse> Post(const std::string& address, std::string body, const char* type,
                                 net::HttpHeaders headers, std::stop_token stop);
  Result<AuthServerMetadata> FindMetadata(const std::string& issuer, bool has_default,
                                          std::stop_token stop);

  const net::Url server_;
  const bool is_private_;
  const std::unique_ptr<net::HttpClient> public_only_;  // where is_private_ is false
  net::HttpClient& http_;
};

// How a client shows who it is at the token endpoint, of what the server takes.
std::string ChooseAuthMethod(const AuthServerMetadata& server, bool has_secret);

}  // namespace hearth::mcp
