#include "runtime/main/server_connector.h"

#include <utility>

namespace hearth::main {

Result<std::unique_ptr<mcp::Client>> ServerConnector::Connect(const mcp::McpServerConfig& config,
                                                              const mcp::ClientOptions& options) {
  if (config.url.empty()) {
    return mcp::Client::Connect(config, mcp::StdioTransports(launcher_, config.launch), options);
  }
  const auto named = [&](const Error& error) {
    return MakeError(error.code, "MCP server '", config.name, "': ", error.message);
  };
  const auto url = net::Url::Parse(config.url);
  if (!url.ok()) return named(url.error());
  mcp::Browser* const browser = TerminalBrowser::Usable() ? &browser_ : nullptr;
  auto authorizer = mcp::MakeOAuth({http_, tokens_, browser, clock_}, *url, config.oauth);
  auto transports = mcp::HttpTransports(http_, config.url, config.headers, authorizer.get());
  if (!transports.ok()) return named(transports.error());
  {
    const std::lock_guard lock(mutex_);
    authorizers_.push_back(std::move(authorizer));
  }
  return mcp::Client::Connect(config, *std::move(transports), options);
}

Result<bool> ServerConnector::Forget(const mcp::McpServerConfig& config) {
  HEARTH_TRY(const net::Url url, net::Url::Parse(config.url));
  return tokens_.Forget(url.ToString());
}

}  // namespace hearth::main
