// McpServers: the servers that hearth uses, from a file in the hosts' own format.
//
//   {"mcpServers": {"files": {"command": "npx", "args": ["-y", "x"], "env": {"A": "b"}},
//                   "web": {"url": "https://example.com/mcp", "headers": {"X": "y"}}}}
//
// Members of ours beside the hosts': "disabled", "sampling" (the server may use our model; default
// no), "trusted" (its results are not a stranger's words, and its tools are called without asking),
// "tools" (a list: only these), "allow" (a list: these are called without asking), "timeout"
// (seconds a call may be silent), "maxTimeout" (seconds a call may take at all), "oauth" (of a
// server behind a URL that wants a login; OAuthConfig says what its members mean: "clientId",
// "clientSecret", "clientMetadataUrl", "scope", "privateKeyFile", "clientCredentials",
// "callbackPort"). ${NAME} in a value is an environment variable.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcp/launcher.h"
#include "mcp/oauth.h"
#include "runtime/base/core/result.h"
#include "runtime/base/paths.h"

namespace hearth::mcp {

struct McpServerConfig {
  std::string name;
  LaunchSpec launch;  // for a server that is a program
  std::string url;    // for one behind HTTP
  std::vector<std::pair<std::string, std::string>> headers;
  OAuthConfig oauth;
  bool disabled = false;
  bool sampling = false;
  bool trusted = false;
  std::vector<std::string> tools;  // empty: all
  std::vector<std::string> allow;  // these are called without asking
  std::chrono::milliseconds timeout{60'000};
  std::chrono::milliseconds max_timeout{600'000};
};

// In the file's order. Entries that are wrong are left out, each with a warning that says why; the
// others stay. An Error where the text is no such file at all.
Result<std::vector<McpServerConfig>> ReadMcpServers(std::string_view text,
                                                    std::vector<std::string>& warnings,
                                                    const Environment& environment = ::getenv);

}  // namespace hearth::mcp
