// TokenStore: what authorization servers gave us, by MCP server and issuer.
//
// A file of mode 0600: {server: {"current": issuer, "issuers": {issuer: {"client": …, "tokens":
// …}}}}. What one issuer gave is never shown to another.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/base/core/result.h"

namespace hearth::mcp {

// How an authorization server knows us.
struct ClientRegistration {
  std::string id;
  std::string secret;        // empty for a public client
  std::string auth_method;   // at the token endpoint: none, client_secret_basic, client_secret_post
  std::string redirect_uri;  // what was registered; empty where that was not ours to say
};

struct Tokens {
  std::string access;
  std::string refresh;  // empty where there is none
  std::string scope;    // what was asked for or granted, separated by spaces
};

struct Credentials {
  std::string issuer;
  ClientRegistration client;
  Tokens tokens;
};

// Thread-safe, and safe among processes that share the file.
class TokenStore {
 public:
  // An empty path: kept in memory alone.
  explicit TokenStore(std::filesystem::path path) : path_(std::move(path)) {}

  // What was saved last for the server.
  Result<std::optional<Credentials>> Current(const std::string& server);
  Result<std::optional<Credentials>> Find(const std::string& server, const std::string& issuer);
  // Becomes the server's current one.
  Status Save(const std::string& server, const Credentials& credentials);
  // Forgets all about the server; false where there was nothing.
  Result<bool> Forget(const std::string& server);

 private:
  struct Entry {
    std::string current;
    std::map<std::string, Credentials> issuers;
  };
  using Entries = std::map<std::string, Entry>;
  Result<Entries> Load() const;
  Status Store(const Entries& entries);

  const std::filesystem::path path_;
  std::mutex mutex_;
  Entries memory_;
};

}  // namespace hearth::mcp
