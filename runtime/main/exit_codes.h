// The exit status of every hearth command.
//
// | status | meaning |
// |---|---|
// | 0 | done |
// | 1 | it failed: disk, database, model, network |
// | 2 | the command line, or a value in it, is wrong |
// | 4 | the named thing (task, session, model, file) does not exist |
// | 130 | interrupted (Ctrl-C), as shells have it |
#pragma once

#include "runtime/base/core/result.h"

namespace hearth {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNotFound = 4;
inline constexpr int kExitInterrupted = 130;

inline int ExitStatusFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return kExitUsage;
    case ErrorCode::kNotFound:
      return kExitNotFound;
    case ErrorCode::kCancelled:
      return kExitInterrupted;
    case ErrorCode::kUnsupported:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kIo:
    case ErrorCode::kConflict:
    case ErrorCode::kInternal:
      break;
  }
  return kExitFailure;
}

}  // namespace hearth
