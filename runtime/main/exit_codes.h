// Exit statuses of the `hearth` program, as `hearth --help` lists them.
#pragma once

#include "runtime/base/core/result.h"

namespace hearth::main {

enum class ExitCode : int {
  kOk = 0,
  kFailure = 1,      // it was tried and did not work: files, memory, the model
  kUsage = 2,        // the command line or its input is wrong
  kNotFound = 4,     // the model, session or task that was named does not exist
  kIncomplete = 5,   // the assistant stopped at a limit before it was done
  kInterrupted = 130,  // Ctrl-C, as shells count it
};

ExitCode ExitCodeFor(ErrorCode code);
// Prints "hearth: …" to stderr and gives the status that fits.
ExitCode Fail(const Error& error);

}  // namespace hearth::main
