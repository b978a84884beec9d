// AccessPolicy: who may ask. Pure: it looks at a request's head and answers.
//
// A browser lets any web page send requests to this machine, and DNS rebinding lets a page speak to
// it under a name of its own. So the Host header must name this machine (or be listed), and an
// Origin must be this server itself (or be listed). Neither is asked of a Unix socket, which no
// browser reaches. Where tokens are set, every request but the health checks must bear one.
//
// Thread-safety: const after construction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/http/http_message.h"

namespace hearth::http {

struct AccessRules {
  std::vector<std::string> hosts;    // names beside localhost, without a port
  std::vector<std::string> origins;  // such as http://localhost:3000; these get CORS headers
  std::vector<std::string> tokens;
  // The server listens on more than loopback: any address may be its Host (a rebound name may not).
  bool on_network = false;
};

class AccessPolicy {
 public:
  explicit AccessPolicy(AccessRules rules) : rules_(std::move(rules)) {}

  struct Refusal {
    int status;  // 400, 401, 403
    std::string why;
  };
  std::optional<Refusal> Check(const HttpRequest& request) const;
  // What a listed origin gets; empty for all others.
  Headers CorsHeaders(const HttpRequest& request) const;
  // True for the question that a browser asks before it sends the request itself.
  static bool IsPreflight(const HttpRequest& request);

 private:
  bool HostIsOurs(std::string_view host) const;
  bool OriginIsListed(std::string_view origin) const;
  bool HasToken(const HttpRequest& request) const;

  AccessRules rules_;
};

// True for localhost, *.localhost, 127.0.0.0/8 and ::1, without a port.
bool IsLoopbackHost(std::string_view host);

// The tokens of a file: one a line, lines that begin with # are comments. Refused: a file that
// others may read, one without a token, a token shorter than 16 characters.
Result<std::vector<std::string>> ReadTokens(const std::string& path);
// Writes a file with one random token, mode 0600, and returns the token. Never replaces a file.
Result<std::string> MakeTokenFile(const std::string& path);

}  // namespace hearth::http
