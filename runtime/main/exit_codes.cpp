#include "runtime/main/exit_codes.h"

#include <cstdio>

namespace hearth::main {

ExitCode ExitCodeFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return ExitCode::kUsage;
    case ErrorCode::kNotFound: return ExitCode::kNotFound;
    case ErrorCode::kCancelled: return ExitCode::kInterrupted;
    case ErrorCode::kUnsupported:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kIo:
    case ErrorCode::kConflict:
    case ErrorCode::kInternal: return ExitCode::kFailure;
  }
  return ExitCode::kFailure;
}

ExitCode Fail(const Error& error) {
  std::fprintf(stderr, "hearth: %s\n", error.message.c_str());
  return ExitCodeFor(error.code);
}

}  // namespace hearth::main
