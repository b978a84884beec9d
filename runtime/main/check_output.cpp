#include "runtime/main/check_output.h"

#include <filesystem>
#include <system_error>

namespace hearth::main {

Status CheckOutput(const std::string& path, bool force) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty() && !fs::is_directory(folder, error)) {
    return MakeError(ErrorCode::kNotFound, path, ": there is no folder ", folder.string());
  }
  if (force || !fs::exists(path, error)) return {};
  return MakeError(ErrorCode::kInvalidArgument, path,
                   ": this file exists; choose another name, or replace it with --force");
}

}  // namespace hearth::main
