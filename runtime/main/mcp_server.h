// hearth mcp: the task repository as an MCP server over stdio, for Claude Desktop, Cursor and other
// hosts. It needs no model and no daemon.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mcp/server.h"
#include "memory/store.h"
#include "runtime/base/clock.h"
#include "runtime/main/exit_codes.h"
#include "runtime/main/mcp_agent.h"
#include "runtime/main/mcp_prompts.h"
#include "runtime/main/mcp_resources.h"
#include "tools/toolset.h"

namespace hearth::main {

// What `hearth mcp` and the daemon's /mcp offer. The tools are made when a client first wants them.
class TaskServer {
 public:
  // The store, the clock and what `models` uses must outlive it.
  static Result<std::unique_ptr<TaskServer>> Create(memory::Store& store,
                                                    const std::string& repository,
                                                    const Clock& clock, ModelSource models);
  mcp::Server& server() { return server_; }

 private:
  TaskServer(memory::Store& store, const std::string& repository, const Clock& clock);
  Status AddTools(memory::Store& store, const std::string& repository, const Clock& clock,
                  ModelSource models);

  tools::Toolset tools_;    // the task tools as the assistant uses them
  tools::Toolset offered_;  // the same with pages, for hosts
  TaskResources resources_;
  TaskPrompts prompts_;
  mcp::Server server_;
};

struct McpFlags {
  std::string repository;
  std::string database;
};

// Serves on stdin and stdout until the host goes away.
ExitCode ServeMcp(const McpFlags& flags);

// Serves at once where the command line is `mcp` with nothing but --repo and --db behind it, before
// anything else of the program is made: a host waits for the answer. Nothing for other command
// lines.
std::optional<ExitCode> ServeMcpAtOnce(int argc, char** argv);

}  // namespace hearth::main
