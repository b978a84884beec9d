// hearth mcp, hearth mcp install: the MCP server, and its entry in a host's settings. (The client's
// subcommands stand in mcp_client.h.)
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "runtime/main/commands.h"
#include "runtime/main/host_config.h"
#include "runtime/main/mcp_client.h"
#include "runtime/main/mcp_server.h"
#include "runtime/main/read_file.h"

namespace hearth::main {
namespace {

struct InstallFlags {
  std::string host;
  std::string name = "hearth";
  std::string file;
  McpFlags server;
  bool dry_run = false;
};

// Hosts have no shell's PATH, so the program is named by its whole path.
Result<std::string> OwnPath() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    return MakeError(ErrorCode::kIo, "the program's own path cannot be found: ", error.message());
  }
  return path.string();
}

Result<std::string> MakeSettings(const InstallFlags& flags, Host host,
                                 const std::filesystem::path& path) {
  std::vector<std::string> arguments = {"mcp"};
  if (!flags.server.repository.empty()) {
    arguments.insert(arguments.end(), {"--repo", flags.server.repository});
  }
  // Nor have they a shell's variables: what HEARTH_DB names is written down.
  const char* variable = std::getenv("HEARTH_DB");
  const std::string database = !flags.server.database.empty() ? flags.server.database
                               : variable != nullptr          ? variable
                                                              : "";
  if (!database.empty()) {
    arguments.insert(arguments.end(), {"--db", std::filesystem::absolute(database).string()});
  }
  HEARTH_TRY(const std::string command, OwnPath());
  std::string text;
  if (std::filesystem::exists(path)) {
    HEARTH_TRY(text, ReadFile(path.string()));
  }
  auto settings = WithEntry(host, text, flags.name, ServerEntry(host, command, arguments));
  if (settings.ok()) return settings;
  return MakeError(settings.error().code, path.string(), ": ", settings.error().message);
}

ExitCode Install(const InstallFlags& flags) {
  const auto host = ParseHost(flags.host);
  if (!host.ok()) return Fail(host.error());
  std::filesystem::path path = flags.file;
  if (flags.file.empty()) {
    const auto usual = HostConfigPath(*host);
    if (!usual.ok()) return Fail(usual.error());
    path = *usual;
  }
  const auto settings = MakeSettings(flags, *host, path);
  if (!settings.ok()) return Fail(settings.error());
  if (flags.dry_run) {
    std::fprintf(stderr, "%s would become:\n", path.c_str());
    std::printf("%s", settings->c_str());
    return ExitCode::kOk;
  }
  if (const Status written = ReplaceFile(path, *settings); !written.ok()) {
    return Fail(written.error());
  }
  std::printf("%s has the server '%s'; restart the host to use it.\n", path.c_str(),
              flags.name.c_str());
  return ExitCode::kOk;
}

}  // namespace

void AddMcpCommand(CLI::App& app, Command& run) {
  auto* command = app.add_subcommand(
      "mcp", "Serve the task list to Claude Desktop, Cursor and other MCP hosts (stdio)");
  command->require_subcommand(0, 1);
  auto flags = std::make_shared<McpFlags>();
  command->add_option("--repo", flags->repository, "The task repository (default: \"default\")");
  command->add_option("--db", flags->database,
                      "The database file (default: $HEARTH_DB, else hearth.db in the data folder)");

  auto* install = command->add_subcommand("install", "Put the server into a host's settings");
  auto install_flags = std::make_shared<InstallFlags>();
  install->add_option("host", install_flags->host, "claude, cursor or vscode")->required();
  install->add_option("--name", install_flags->name, "What the host calls the server")
      ->capture_default_str();
  install->add_option("--file", install_flags->file,
                      "The settings file (default: where the host keeps it)");
  install->add_option("--repo", install_flags->server.repository, "The task repository to serve");
  install->add_option("--db", install_flags->server.database,
                      "The database file to serve (default: $HEARTH_DB, if it is set)");
  install->add_flag("--dry-run", install_flags->dry_run,
                    "Print what the file would become and change nothing");
  install->callback([=, &run] { run = [=] { return Install(*install_flags); }; });
  AddMcpClientCommands(*command, run);
  command->callback([=, &run] {
    if (command->get_subcommands().empty()) run = [=] { return ServeMcp(*flags); };
  });
}

}  // namespace hearth::main
