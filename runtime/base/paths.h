// Paths: where hearth keeps its files, after the XDG base directory specification.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "runtime/base/core/result.h"

namespace hearth {

// Looks up an environment variable; null where it is not set. Tests hand in a fake.
using Environment = std::function<const char*(const char*)>;

struct Paths {
  std::filesystem::path data;    // $XDG_DATA_HOME/hearth, else $HOME/.local/share/hearth
  std::filesystem::path config;  // $XDG_CONFIG_HOME/hearth, else $HOME/.config/hearth
  std::filesystem::path state;   // $XDG_STATE_HOME/hearth, else $HOME/.local/state/hearth

  std::filesystem::path Database() const { return data / "hearth.db"; }
  std::filesystem::path Models() const { return data / "models"; }
};

// Creates nothing. Fails where neither the variable nor HOME is an absolute path.
Result<Paths> FindPaths(const Environment& environment = ::getenv);

// The GGUF file that `name` means: a path to a file, or a file in `models`, where ".gguf" may be
// left out and case does not count. An empty name means the only model in `models`. Errors list
// what is there.
Result<std::filesystem::path> FindModel(std::string_view name, const std::filesystem::path& models);

}  // namespace hearth
