// The program: chooses a subcommand and runs it. What each does stands in its own file.
#include <CLI/CLI.hpp>
#include <iostream>
#include <span>

#include "runtime/base/clock.h"
#include "runtime/main/command_tasks.h"
#include "runtime/main/commands.h"
#include "runtime/main/mcp_server.h"
#include "runtime/main/unknown_command.h"

int main(int argc, char** argv) {
  using namespace hearth::main;
  if (const auto status = ServeMcpAtOnce(argc, argv)) return static_cast<int>(*status);
  CLI::App app("hearth runs a language model on your own machine and lets it act.", "hearth");
  app.require_subcommand(1);
  app.set_version_flag("--version", "hearth " HEARTH_VERSION);
  app.footer(
      "Exit status: 0 done, 1 failed, 2 wrong usage or input, 4 not found, 5 stopped at a limit "
      "or without an answer, 130 interrupted.");
  Command run;
  AddRunCommand(app, run);
  const hearth::SystemClock clock;
  int tasks_status = 0;
  AddTasksCommand(app, clock, std::cout, std::cerr, tasks_status);
  AddServeCommand(app, run);
  AddMcpCommand(app, run);
  AddShowCommand(app, run);
  AddQuantizeCommand(app, run);
  AddImatrixCommand(app, run);
  AddBenchCommand(app, run);
  AddInspectCommand(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 would only say that a command is required, or that an argument was not expected.
    const auto unknown =
        UnknownCommand(app, std::span(argv, static_cast<size_t>(argc)).subspan(argc > 0 ? 1 : 0));
    if (error.get_exit_code() != 0 && unknown) {
      return static_cast<int>(
          Fail(hearth::MakeError(hearth::ErrorCode::kInvalidArgument, *unknown)));
    }
    const bool asked_for_help = error.get_exit_code() == 0;
    app.exit(error);
    return asked_for_help ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  return run ? static_cast<int>(run()) : tasks_status;
}
