// A small file that is nobody's business but its owner's: mode 0600, replaced as a whole or not at
// all.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "runtime/base/core/result.h"

namespace hearth::mcp {

// Missing folders are made.
Status WritePrivateFile(const std::filesystem::path& path, std::string_view text);
// The whole file; empty where there is none. Refuses one that others may read.
Result<std::string> ReadPrivateFile(const std::filesystem::path& path);
// Runs `change` while no other process of ours changes that file.
Status WithFileLocked(const std::filesystem::path& path, const std::function<Status()>& change);

}  // namespace hearth::mcp
