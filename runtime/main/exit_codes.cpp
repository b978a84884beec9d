#include "runtime/main/exit_codes.h"

#include <cstdio>

namespace hearth::main {

ExitCode Fail(const Error& error) {
  std::fprintf(stderr, "hearth: %s\n", error.message.c_str());
  return ExitCodeFor(error.code);
}

}  // namespace hearth::main
