// Small files that a user names on the command line.
#pragma once

#include <string>

#include "runtime/base/core/result.h"

namespace hearth::main {

// The whole of a file of at most `most` bytes. Errors name it.
Result<std::string> ReadFile(const std::string& path, size_t most = size_t{64} << 20);

}  // namespace hearth::main
