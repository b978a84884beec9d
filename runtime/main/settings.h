// Settings: what every command works with: where the database and the models are, which model is
// the default one, and how the daemon serves.
//
// This is the one place that joins them: flags go before the environment, the environment before
// the file, the file before the defaults (http/server_config.h lists them). The file is the one
// that --config or $HEARTH_CONFIG names, else hearth.toml in the settings folder, where there is
// one. In the file a relative path means one beside the file, and ~/ the home folder: a setting
// must not change its meaning with the folder that a command is started in.
#pragma once

#include <filesystem>
#include <string>

#include "runtime/base/core/result.h"
#include "runtime/base/paths.h"
#include "runtime/http/server_config.h"
#include "runtime/serving/local_model.h"

namespace hearth::main {

// The values of flags that all commands share; empty where a flag was not given.
struct SettingFlags {
  std::string config;
  std::string model;
  std::string database;
};

struct Settings {
  Paths paths;
  // models_directory, and the token file where there is one in its usual place, are filled in.
  http::ServerConfig config;

  // The database, which may not exist yet. An error where a folder was named that is not there.
  Result<std::filesystem::path> Database() const;
  // The default model's file, or why there is none.
  Result<std::filesystem::path> Model() const;
  // How the default model runs, with the model that guesses for it.
  Result<serving::LocalModelOptions> ModelOptions() const;
};

// An error says which setting is wrong, and where it stands.
Result<Settings> LoadSettings(const SettingFlags& flags, const Environment& environment = ::getenv);

}  // namespace hearth::main
