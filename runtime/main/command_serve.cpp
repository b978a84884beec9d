// hearth serve, hearth config: the daemon and its settings.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

#include "mcp/http_endpoint.h"
#include "memory/store.h"
#include "memory/task_repository.h"
#include "runtime/base/log.h"
#include "runtime/base/paths.h"
#include "runtime/main/commands.h"
#include "runtime/main/mcp_agent.h"
#include "runtime/main/mcp_server.h"
#include "runtime/main/model_flags.h"
#include "runtime/main/settings.h"
#include "runtime/main/signals.h"
#include "runtime/serving/model_registry.h"

namespace hearth::main {
namespace {

struct ServeFlags {
  ModelFlags model;
  std::string config;
  std::string host;
  std::string port;
  std::string database;
};

// Everything that is asked before the daemon starts; `hearth config check` asks no less.
struct ServePlan {
  http::ServerConfig config;
  http::ServerOptions server;
  serving::ModelRegistryOptions models;
  std::filesystem::path database;
};

Status ApplyAddress(const ServeFlags& flags, http::ServerConfig& config) {
  if (!flags.host.empty()) HEARTH_CHECK_OK(config.Set("server.host", flags.host));
  if (flags.port.empty()) return {};
  HEARTH_CHECK_OK(config.Set("server.port", flags.port));
  // A port in the host, as HEARTH_HOST may have one, gives way to the flag.
  HEARTH_TRY(const auto endpoint, config.ToEndpoint());
  if (endpoint.socket_path.empty()) config.host = endpoint.host;
  return {};
}

Result<http::ServerOptions> MakeServerOptions(const http::ServerConfig& config) {
  HEARTH_TRY(http::ServerOptions options, config.ToServerOptions());
  if (!config.token_file.empty()) {
    HEARTH_TRY(options.access.tokens, http::ReadTokens(config.token_file));
  }
  HEARTH_CHECK_OK(http::CheckServerOptions(options));
  return options;
}

Result<serving::ModelRegistryOptions> MakeRegistryOptions(const Settings& settings,
                                                          const ModelFlags& flags) {
  const http::ServerConfig& config = settings.config;
  serving::ModelRegistryOptions options;
  HEARTH_TRY(options.model, settings.ModelOptions());
  options.draft_path = std::exchange(options.model.draft_path, "");
  options.directory = config.models_directory;
  options.max_loaded = static_cast<size_t>(config.max_loaded);
  options.model.model.backend = flags.backend;
  options.model.model.threads = flags.threads;
  options.model.engine.kv_type = flags.kv_type;
  options.model.engine.max_sequences = static_cast<uint32_t>(config.max_sequences);
  options.keep_alive = std::chrono::seconds(config.model_keep_alive_seconds);
  options.adapters = config.adapters;
  options.model.max_queue = static_cast<size_t>(config.max_queue);
  const auto path = settings.Model();
  if (path.ok()) {
    options.default_path = *path;
  } else if (!config.model.empty()) {
    return path.error();
  }
  return options;
}

Result<ServePlan> MakePlan(const ServeFlags& flags) {
  HEARTH_TRY(Settings settings,
             LoadSettings(
                 {.config = flags.config, .model = flags.model.model, .database = flags.database}));
  ServePlan plan;
  HEARTH_CHECK_OK(ApplyAddress(flags, settings.config));
  HEARTH_TRY(plan.server, MakeServerOptions(settings.config));
  HEARTH_TRY(plan.models, MakeRegistryOptions(settings, flags.model));
  HEARTH_TRY(plan.database, settings.Database());
  plan.config = std::move(settings.config);
  plan.config.database = plan.database.string();
  return plan;
}

// Whoever stops a daemon waits two seconds, then kills it. A model that is being loaded then, or a
// schema that is being compiled, is not waited for.
void EndForSure() {
  constexpr std::chrono::milliseconds kLongest{1850};
  std::this_thread::sleep_for(kLongest);
  Log(LogLevel::kInfo, "stopped in the middle of something");
  std::_Exit(static_cast<int>(ExitCode::kOk));
}

// The daemon's own default model, which its other clients use too.
ModelSource UseDefaultModel(serving::ModelRegistry& models) {
  return [&models]() -> Result<std::shared_ptr<serving::LanguageModel>> {
    const auto entry = models.Find(models.default_id());
    if (!entry) return MakeError(ErrorCode::kNotFound, "the server has no default model");
    HEARTH_TRY(const auto model, models.Get(*entry));
    // A conversation changes nothing of the model that it is held with.
    return std::shared_ptr<serving::LanguageModel>(
        std::const_pointer_cast<serving::LocalModel>(model));
  };
}

ExitCode Serve(const ServeFlags& flags) {
  StopOnSignal signals;
  const SystemClock clock;
  auto plan = MakePlan(flags);
  if (!plan.ok()) return Fail(plan.error());
  if (const std::string& level = plan->config.log_level; !level.empty()) {
    SetLogLevel(*ParseLogLevel(level));
  }
  // What is wrong with the database is said at the start, not at the first use.
  const auto store = memory::Store::Open(plan->database, clock);
  if (!store.ok()) return Fail(store.error());
  serving::ModelRegistry models(std::move(plan->models), clock);
  const auto tasks =
      TaskServer::Create(**store, memory::kDefaultRepository, clock, UseDefaultModel(models));
  if (!tasks.ok()) return Fail(tasks.error());
  mcp::HttpEndpoint mcp_endpoint((*tasks)->server(), clock);
  plan->server.mcp = &mcp_endpoint;
  auto server = http::Server::Create(std::move(plan->server), models, clock);
  if (!server.ok()) return Fail(server.error());
  if (models.default_id().empty()) {
    Log(LogLevel::kInfo, "no default model: each loads when it is first asked for");
  }
  for (const auto& endpoint : (*server)->endpoints()) {
    Log(LogLevel::kInfo, "listening on ", endpoint.Describe());
  }
  const std::stop_callback stop(signals.token(), [&] {
    mcp_endpoint.Close();
    (*server)->Stop();
    std::thread(EndForSure).detach();
  });
  (*server)->Run();
  // Calls that still run use what is about to go.
  (*tasks)->server().Stop(std::chrono::milliseconds(0));
  Log(LogLevel::kInfo, "stopped");
  return ExitCode::kOk;
}

ExitCode CheckConfig(const ServeFlags& flags) {
  const auto plan = MakePlan(flags);
  if (!plan.ok()) return Fail(plan.error());
  std::printf("%s\n", DumpJson(plan->config.ToJson(), 2).c_str());
  return ExitCode::kOk;
}

ExitCode MakeToken(const std::string& file) {
  const auto paths = FindPaths();
  if (!paths.ok()) return Fail(paths.error());
  const std::string path = file.empty() ? (paths->config / "token").string() : file;
  const auto token = http::MakeTokenFile(path);
  if (!token.ok()) return Fail(token.error());
  std::printf("%s\n", token->c_str());
  std::fprintf(stderr, "written to %s; clients send it as: Authorization: Bearer TOKEN\n",
               path.c_str());
  return ExitCode::kOk;
}

void AddServeFlags(CLI::App& command, ServeFlags& flags) {
  AddModelFlags(command, flags.model);
  command.add_option("--host", flags.host,
                     "Address to listen on, or unix:/path (default: $HEARTH_HOST, else 127.0.0.1)");
  command.add_option("--port", flags.port, "Port to listen on (default: 11434)");
  command.add_option("--db", flags.database,
                     "The database file (default: $HEARTH_DB, else hearth.db in the data folder)");
  command.add_option("--config", flags.config,
                     "The settings file (default: $HEARTH_CONFIG, else hearth.toml in "
                     "$XDG_CONFIG_HOME/hearth)");
}

}  // namespace

void AddServeCommand(CLI::App& app, Command& run) {
  auto* serve = app.add_subcommand("serve", "Serve models to OpenAI clients over HTTP");
  auto flags = std::make_shared<ServeFlags>();
  AddServeFlags(*serve, *flags);
  serve->callback([=, &run] { run = [=] { return Serve(*flags); }; });

  auto* config = app.add_subcommand("config", "The daemon's settings");
  config->require_subcommand(1);
  auto* check = config->add_subcommand("check", "Check the settings and print all of them");
  auto check_flags = std::make_shared<ServeFlags>();
  AddServeFlags(*check, *check_flags);
  check->callback([=, &run] { run = [=] { return CheckConfig(*check_flags); }; });
  auto* token = config->add_subcommand("make-token", "Make a token that clients must then send");
  auto file = std::make_shared<std::string>();
  token->add_option("file", *file, "Where to write it (default: token in the settings folder)");
  token->callback([=, &run] { run = [=] { return MakeToken(*file); }; });
}

}  // namespace hearth::main
