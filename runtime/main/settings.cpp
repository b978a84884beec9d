#include "runtime/main/settings.h"

#include <system_error>

#include "runtime/main/read_file.h"

namespace hearth::main {
namespace {

namespace fs = std::filesystem;

std::string NamedFile(const SettingFlags& flags, const Environment& environment) {
  if (!flags.config.empty()) return flags.config;
  const char* const value = environment("HEARTH_CONFIG");
  return value != nullptr ? value : "";
}

// A path of the file, as it is meant in every folder.
Status Anchor(std::string& path, const fs::path& file, const Environment& environment) {
  if (path.empty() || path[0] == '/') return {};
  if (!path.starts_with("~/")) {
    std::error_code error;
    path = (fs::absolute(file, error).parent_path() / path).lexically_normal().string();
    return {};
  }
  const char* const home = environment("HOME");
  if (home == nullptr || home[0] != '/') {
    return MakeError(ErrorCode::kInvalidArgument, file.string(), ": '", path,
                     "' needs HOME to be set; write the whole path");
  }
  path = (fs::path(home) / path.substr(2)).string();
  return {};
}

Status ReadFileOfSettings(http::ServerConfig& config, const SettingFlags& flags, const Paths& paths,
                          const Environment& environment) {
  const std::string named = NamedFile(flags, environment);
  const std::string path = named.empty() ? (paths.config / "hearth.toml").string() : named;
  std::error_code error;
  if (named.empty() && !fs::exists(path, error)) return {};
  HEARTH_TRY(const std::string text, ReadFile(path));
  HEARTH_CHECK_OK(config.ReadToml(text, path));
  for (std::string* const setting :
       {&config.database, &config.models_directory, &config.token_file}) {
    HEARTH_CHECK_OK(Anchor(*setting, path, environment));
  }
  return {};
}

}  // namespace

Result<Settings> LoadSettings(const SettingFlags& flags, const Environment& environment) {
  Settings settings;
  http::ServerConfig& config = settings.config;
  HEARTH_TRY(settings.paths, FindPaths(environment));
  HEARTH_CHECK_OK(ReadFileOfSettings(config, flags, settings.paths, environment));
  HEARTH_CHECK_OK(config.ReadEnvironment(environment));
  if (!flags.model.empty()) config.model = flags.model;
  if (!flags.database.empty()) config.database = flags.database;
  if (config.models_directory.empty()) config.models_directory = settings.paths.Models().string();
  const fs::path token = settings.paths.config / "token";
  std::error_code error;
  if (config.token_file.empty() && fs::exists(token, error)) config.token_file = token.string();
  return settings;
}

Result<fs::path> Settings::Database() const {
  if (config.database.empty()) return paths.Database();
  const fs::path named = config.database;
  const fs::path folder = named.parent_path();
  std::error_code error;
  if (!folder.empty() && !fs::is_directory(folder, error)) {
    return MakeError(ErrorCode::kNotFound, named.string(), ": there is no folder ", folder.string(),
                     "; make it, or look at --db, HEARTH_DB and store.database again");
  }
  return named;
}

Result<fs::path> Settings::Model() const {
  return FindModel(config.model, config.models_directory);
}

Result<serving::LocalModelOptions> Settings::ModelOptions() const {
  serving::LocalModelOptions options;
  options.engine.context_tokens = static_cast<uint32_t>(config.context_tokens);
  options.engine.kv_bytes = static_cast<uint64_t>(config.kv_mib) << 20;
  options.engine.kv_host_bytes = static_cast<uint64_t>(config.kv_host_mib) << 20;
  if (!config.draft_model.empty()) {
    HEARTH_TRY(const fs::path draft, FindModel(config.draft_model, config.models_directory));
    options.draft_path = draft.string();
  }
  return options;
}

}  // namespace hearth::main
