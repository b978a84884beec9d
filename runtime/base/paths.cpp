#include "runtime/base/paths.h"

#include <algorithm>
#include <cctype>
#include <system_error>
#include <vector>

namespace hearth {
namespace {

namespace fs = std::filesystem;

Result<fs::path> FindBase(const Environment& environment, const char* variable,
                          const char* below_home) {
  // The specification has a relative path ignored.
  if (const char* value = environment(variable); value != nullptr && value[0] == '/') {
    return fs::path(value) / "hearth";
  }
  if (const char* home = environment("HOME"); home != nullptr && home[0] == '/') {
    return fs::path(home) / below_home / "hearth";
  }
  return MakeError(ErrorCode::kNotFound, "cannot tell where to keep files: set HOME or ", variable,
                   " to an absolute path");
}

std::vector<fs::path> ModelsIn(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".gguf") found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string WhatIsThere(const fs::path& models) {
  const auto found = ModelsIn(models);
  if (found.empty()) {
    return Concat("there is none in ", models.string(),
                  "; put a .gguf file there or name one with --model");
  }
  constexpr size_t kShown = 20;
  std::string list;
  for (size_t i = 0; i < std::min(found.size(), kShown); ++i) {
    list += (i == 0 ? "" : ", ") + found[i].stem().string();
  }
  if (found.size() > kShown) list += ", ...";
  return Concat(models.string(), " has: ", list);
}

}  // namespace

Result<Paths> FindPaths(const Environment& environment) {
  Paths paths;
  HEARTH_TRY(paths.data, FindBase(environment, "XDG_DATA_HOME", ".local/share"));
  HEARTH_TRY(paths.config, FindBase(environment, "XDG_CONFIG_HOME", ".config"));
  HEARTH_TRY(paths.state, FindBase(environment, "XDG_STATE_HOME", ".local/state"));
  return paths;
}

Result<fs::path> FindModel(std::string_view name, const fs::path& models) {
  if (name.empty()) {
    const auto found = ModelsIn(models);
    if (found.size() == 1) return found.front();
    return MakeError(ErrorCode::kNotFound, "no model was named (--model or HEARTH_MODEL), and ",
                     WhatIsThere(models));
  }
  const std::string wanted(name);
  const std::vector<fs::path> candidates = {fs::path(wanted), models / wanted,
                                            models / (wanted + ".gguf")};
  std::error_code error;
  for (const auto& path : candidates) {
    if (fs::is_regular_file(path, error)) return path;
  }
  // Servers offer a model under its lower-case stem: that name is good here too.
  for (const fs::path& path : ModelsIn(models)) {
    const std::string name = Lower(path.filename().string());
    if (name == Lower(wanted) || name == Lower(wanted) + ".gguf") return path;
  }
  return MakeError(ErrorCode::kNotFound, "no model '", wanted.substr(0, 200), "'; ",
                   WhatIsThere(models));
}

}  // namespace hearth
