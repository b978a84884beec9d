// UserServers: the MCP servers of mcp.json as tools of the assistant.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcp/client.h"
#include "mcp/pins.h"
#include "mcp/server_config.h"
#include "runtime/base/paths.h"
#include "runtime/main/server_connector.h"
#include "runtime/serving/language_model.h"
#include "tools/toolset.h"

namespace hearth::main {

// Asks the person at the terminal what a server wants to know; declines where there is no terminal.
class TerminalElicitation : public mcp::ElicitationHandler {
 public:
  Json Elicit(const std::string& server, const Json& params) override;
};

// Lets our model write what a server asks for; only for servers whose entry says "sampling": true.
class LocalSampling : public mcp::SamplingHandler {
 public:
  // Before this nothing is answered. The model must outlive the servers.
  void SetModel(serving::LanguageModel* model) { model_ = model; }
  Result<Json> CreateMessage(const std::string& server, const Json& params) override;

 private:
  std::atomic<serving::LanguageModel*> model_ = nullptr;
};

// Whether the person at the terminal allows a call; no where there is no terminal.
bool ConfirmOnTerminal(const std::string& tool, const Json& arguments);

// The chat request that sampling/createMessage means.
Result<serving::ChatRequest> FromSamplingParams(const Json& params);

// Must outlive the toolsets that it fills.
class UserServers {
 public:
  // Starts all enabled servers at once. One that fails is left out and said so in the log; the
  // others stay. No mcp.json: nothing happens.
  Status Start(const Paths& paths);
  // Adds the tools of the servers that run, as they are now; what cannot be used is said in the
  // log.
  Status AddTools(tools::Toolset& toolset);
  // True once after a server has said that its tools have changed: they are to be added to another
  // toolset then.
  bool TakeToolsChanged();
  LocalSampling& sampling() { return sampling_; }
  // Ends the servers; they ask our model nothing any more.
  void Close();
  bool empty() const { return servers_.empty(); }

 private:
  std::optional<ServerConnector> connector_;
  TerminalElicitation elicitation_;
  LocalSampling sampling_;
  struct Server {
    mcp::McpServerConfig config;
    std::unique_ptr<mcp::Client> client;
  };

  std::filesystem::path pins_file_;
  std::vector<Server> servers_;
};

}  // namespace hearth::main
