// ServerConnector: connections to the MCP servers of mcp.json, programs and those behind a URL.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mcp/client.h"
#include "mcp/launcher.h"
#include "mcp/oauth.h"
#include "mcp/server_config.h"
#include "mcp/token_store.h"
#include "runtime/base/clock.h"
#include "runtime/main/terminal_browser.h"
#include "runtime/net/http_client.h"

namespace hearth::main {

// Thread-safe. Must outlive the clients that it makes.
class ServerConnector {
 public:
  // Tokens are kept in that file.
  explicit ServerConnector(std::filesystem::path tokens) : tokens_(std::move(tokens)) {}

  Result<std::unique_ptr<mcp::Client>> Connect(const mcp::McpServerConfig& config,
                                               const mcp::ClientOptions& options);
  // Forgets the login to a server; false where there was none.
  Result<bool> Forget(const mcp::McpServerConfig& config);

 private:
  mcp::PlainLauncher launcher_;
  net::HttpClient http_;
  mcp::TokenStore tokens_;
  TerminalBrowser browser_;
  SystemClock clock_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<mcp::Authorizer>> authorizers_;
};

}  // namespace hearth::main
