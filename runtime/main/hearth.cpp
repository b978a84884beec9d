// The program: chooses a subcommand and runs it. What each does stands in its own file.
#include <CLI/CLI.hpp>
#include <iostream>

#include "runtime/base/clock.h"
#include "runtime/base/text.h"
#include "runtime/main/command_tasks.h"
#include "runtime/main/commands.h"
#include "runtime/main/mcp_server.h"

int main(int argc, char** argv) {
  using namespace hearth::main;
  if (const auto status = ServeMcpAtOnce(argc, argv)) return static_cast<int>(*status);
  CLI::App app("hearth runs a language model on your own machine and lets it act.", "hearth");
  app.require_subcommand(1);
  app.set_version_flag("--version", "hearth " HEARTH_VERSION);
  app.footer(
      "Exit status: 0 done, 1 failed, 2 wrong usage or input, 4 not found, 5 stopped at a limit, "
      "130 interrupted.");
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
  // CLI11 itself would only say that a command is required.
  if (const std::string first = argc > 1 ? argv[1] : ""; !first.empty() && first[0] != '-') {
    std::string known;
    bool found = false;
    for (const CLI::App* command : app.get_subcommands({})) {
      known += (known.empty() ? "" : ", ") + command->get_name();
      found |= command->get_name() == first;
    }
    if (!found) {
      return static_cast<int>(
          Fail(hearth::MakeError(hearth::ErrorCode::kInvalidArgument, "there is no command '",
                                 hearth::Clip(hearth::OneLine(first), 40), "'; the commands are ",
                                 known, " (see hearth --help)")));
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for_help = error.get_exit_code() == 0;
    app.exit(error);
    return asked_for_help ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  return run ? static_cast<int>(run()) : tasks_status;
}
