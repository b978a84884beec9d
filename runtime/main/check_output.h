// CheckOutput: a file that a command is to write, before it begins the work.
#pragma once

#include <string>

#include "runtime/base/core/result.h"

namespace hearth::main {

// An error where `path` exists and may not be replaced, or where its folder does not exist.
Status CheckOutput(const std::string& path, bool force);

}  // namespace hearth::main
