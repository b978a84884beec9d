// The subcommands of the `hearth` program. Each Add… function declares one on the command line and
// puts into `run` what is to be done where it was chosen; main runs it and exits with what it
// returns.
// (`hearth tasks`, which needs no model, has a header of its own: command_tasks.h.)
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "runtime/main/exit_codes.h"

namespace hearth::main {

using Command = std::function<ExitCode()>;

void AddRunCommand(CLI::App& app, Command& run);
void AddInspectCommand(CLI::App& app, Command& run);
void AddShowCommand(CLI::App& app, Command& run);
void AddQuantizeCommand(CLI::App& app, Command& run);
void AddImatrixCommand(CLI::App& app, Command& run);
void AddBenchCommand(CLI::App& app, Command& run);
void AddServeCommand(CLI::App& app, Command& run);
void AddMcpCommand(CLI::App& app, Command& run);

}  // namespace hearth::main
