// The exit status of every hearth command.
//
// | status | meaning |
// |---|---|
// | 0 | done |
// | 1 | it was tried and failed: disk, database, memory, model |
// | 2 | the command line, or a value in it, is wrong |
// | 4 | the named thing (model, session, task, file) does not exist |
// | 5 | the assistant stopped before it was done: at a limit, or without an answer |
// | 130 | interrupted (Ctrl-C), as shells have it |
#pragma once

#include "runtime/base/core/result.h"

namespace hearth::main {

enum class ExitCode : int {
  kOk = 0,
  kFailure = 1,
  kUsage = 2,
  kNotFound = 4,
  kIncomplete = 5,
  kInterrupted = 130,
};

inline ExitCode ExitCodeFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return ExitCode::kUsage;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kCancelled:
      return ExitCode::kInterrupted;
    case ErrorCode::kUnsupported:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kIo:
    case ErrorCode::kConflict:
    case ErrorCode::kInternal:
      break;
  }
  return ExitCode::kFailure;
}

// Prints "hearth: …" to stderr and gives the status that fits.
ExitCode Fail(const Error& error);

}  // namespace hearth::main
