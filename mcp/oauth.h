// OAuth: the Authorizer that gets tokens by OAuth 2.1, as MCP's authorization chapter wants it.
//
// A refusal leads to the server's metadata (RFC 9728), from there to its authorization server
// (RFC 8414 or OpenID discovery), and there to a token: a refreshed one where that goes, else one
// that a person grants in a browser (PKCE S256), or one for the program itself (client
// credentials). Tokens are bound to the server (RFC 8707), answers are checked against the issuer
// (RFC 9207), and what one issuer gave is shown to no other.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "mcp/authorizer.h"
#include "mcp/token_store.h"
#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"
#include "runtime/net/http_client.h"

namespace hearth::mcp {

// What a server's entry may say about it; all of it may be empty.
struct OAuthConfig {
  std::string client_id;  // of a client that was registered beforehand
  std::string client_secret;
  std::string client_metadata_url;  // an address of ours that describes us, as client_id
  std::string scope;                // asked for where the server itself says nothing
  std::string private_key;          // PEM, EC P-256 or RSA: shows who we are instead of a secret
  bool client_credentials = false;  // the program itself is let in, no person is asked
  uint16_t callback_port = 0;       // for clients whose redirect address is registered
};

// The person's browser.
class Browser {
 public:
  // A visit to an authorization page, from when its redirect address is known.
  class Visit {
   public:
    virtual ~Visit() = default;
    virtual std::string redirect_uri() const = 0;
    // Shows the page and waits; the query that the browser comes back with.
    virtual Result<std::string> Go(const std::string& page, std::stop_token stop) = 0;
  };
  virtual ~Browser() = default;
  // `port`: where the redirect address must be, 0 for anywhere. kIo where that port is taken.
  virtual Result<std::unique_ptr<Visit>> Begin(uint16_t port) = 0;
};

// What all servers share; must outlive the authorizers.
struct OAuthParts {
  net::HttpClient& http;
  TokenStore& tokens;
  Browser* browser;  // null: nobody can be asked
  const Clock& clock;
};

std::unique_ptr<Authorizer> MakeOAuth(const OAuthParts& parts, net::Url server, OAuthConfig config);

}  // namespace hearth::mcp
