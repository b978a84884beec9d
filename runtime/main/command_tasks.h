// hearth tasks: a person's and a script's way to the task repositories.
//
// add, list, search, start, done, cancel, edit, rm, report; each takes --repo NAME, --db FILE and
// --json. Results go to `out`: a table or a sentence, or with --json one JSON document. Errors go
// to `err`.
#pragma once

#include <CLI/CLI.hpp>
#include <iosfwd>

#include "runtime/base/clock.h"

namespace hearth::main {

// Adds the subcommand to the program. When it was on the command line, parsing runs it and sets
// `exit_status` (exit_codes.h). The arguments must outlive the app.
void AddTasksCommand(CLI::App& app, const Clock& clock, std::ostream& out, std::ostream& err,
                     int& exit_status);

}  // namespace hearth::main
