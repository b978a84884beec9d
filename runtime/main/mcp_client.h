// hearth mcp list|test|tools|call|approve: the MCP servers that hearth uses (mcp.json).
#pragma once

#include <CLI/CLI.hpp>

#include "runtime/main/commands.h"

namespace hearth::main {

// Adds the subcommands to `hearth mcp`; the one that was chosen is put into `run`.
void AddMcpClientCommands(CLI::App& mcp, Command& run);

}  // namespace hearth::main
