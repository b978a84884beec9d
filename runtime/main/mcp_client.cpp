#include "runtime/main/mcp_client.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

#include "mcp/client.h"
#include "mcp/mcp_toolset.h"
#include "mcp/pins.h"
#include "mcp/server_config.h"
#include "runtime/base/log.h"
#include "runtime/base/paths.h"
#include "runtime/base/text.h"
#include "runtime/main/read_file.h"
#include "runtime/main/server_connector.h"
#include "runtime/main/signals.h"

namespace hearth::main {
namespace {

struct ClientFlags {
  std::string file;
  std::string server;
  std::string tool;
  std::string arguments = "{}";
  bool json = false;
};

struct Setup {
  std::vector<mcp::McpServerConfig> servers;
  std::filesystem::path pins;
  std::filesystem::path tokens;
};

Result<Setup> LoadSetup(const ClientFlags& flags) {
  HEARTH_TRY(const Paths paths, FindPaths());
  const std::string file = flags.file.empty() ? (paths.config / "mcp.json").string() : flags.file;
  if (!std::filesystem::exists(file)) {
    return MakeError(ErrorCode::kNotFound, file,
                     " does not exist; write it as {\"mcpServers\": {\"name\": {\"command\": …}}}");
  }
  HEARTH_TRY(const std::string text, ReadFile(file));
  std::vector<std::string> warnings;
  auto servers = mcp::ReadMcpServers(text, warnings);
  if (!servers.ok()) {
    return MakeError(servers.error().code, file, ": ", servers.error().message);
  }
  for (const std::string& warning : warnings) Log(LogLevel::kWarn, file, ": ", warning);
  return Setup{*std::move(servers), paths.data / "mcp_pins.json", paths.data / "mcp_tokens.json"};
}

Result<mcp::McpServerConfig> FindServer(const Setup& setup, const std::string& name) {
  std::string known;
  for (const auto& server : setup.servers) {
    if (server.name == name) return server;
    known += (known.empty() ? "" : ", ") + server.name;
  }
  return MakeError(ErrorCode::kNotFound, "there is no server '", Clip(OneLine(name), 60), "'; ",
                   known.empty() ? "there are none" : "the servers are " + known);
}

std::string Describe(mcp::Client& client) {
  const Json info = client.server_info();
  const Json* name = FindMember(info, "name");
  const Json* version = FindMember(info, "version");
  const auto text = [](const Json* value) {
    return value != nullptr && value->is_string() ? OneLine(value->get<std::string>())
                                                  : std::string("?");
  };
  return Concat(text(name), " ", text(version), ", ", client.revision());
}

ExitCode ListServers(const ClientFlags& flags) {
  const auto setup = LoadSetup(flags);
  if (!setup.ok()) return Fail(setup.error());
  TextTable table({"server", "starts", "state"});
  for (const auto& server : setup->servers) {
    std::string starts = server.url.empty() ? server.launch.command : server.url;
    for (const std::string& argument : server.launch.arguments) starts += " " + argument;
    table.Add({server.name, starts, server.disabled ? "disabled" : "enabled"});
  }
  std::printf("%s", table.Render(TerminalWidth(), 1).c_str());
  return ExitCode::kOk;
}

// Connects to one server, or to all at once, and says what became of it.
ExitCode TestServers(const ClientFlags& flags) {
  const auto setup = LoadSetup(flags);
  if (!setup.ok()) return Fail(setup.error());
  std::vector<mcp::McpServerConfig> servers;
  if (flags.server.empty()) {
    for (const auto& server : setup->servers) {
      if (!server.disabled) servers.push_back(server);
    }
  } else {
    const auto server = FindServer(*setup, flags.server);
    if (!server.ok()) return Fail(server.error());
    servers.push_back(*server);
  }
  ServerConnector connector(setup->tokens);
  std::vector<std::string> lines(servers.size());
  std::vector<char> failed(servers.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < servers.size(); ++i) {
    threads.emplace_back([&, i] {
      const auto client = connector.Connect(servers[i], {});
      std::vector<std::string> warnings;
      const auto tools = client.ok() ? (*client)->ListTools(warnings)
                                     : Result<std::vector<mcp::RemoteTool>>(client.error());
      failed[i] = !tools.ok();
      lines[i] = tools.ok() ? Concat(servers[i].name, ": ", Describe(**client), ", ", tools->size(),
                                     " tools")
                            : Concat(servers[i].name, ": ", tools.error().message);
      for (const std::string& warning : warnings) lines[i] += "\n  " + warning;
    });
  }
  bool any_failed = false;
  for (size_t i = 0; i < servers.size(); ++i) {
    threads[i].join();
    std::printf("%s\n", lines[i].c_str());
    any_failed |= failed[i] != 0;
  }
  return any_failed ? ExitCode::kFailure : ExitCode::kOk;
}

// Connects to the named server and hands it to `use`.
template <typename Use>
ExitCode WithServer(const ClientFlags& flags, Use use) {
  const auto setup = LoadSetup(flags);
  if (!setup.ok()) return Fail(setup.error());
  const auto config = FindServer(*setup, flags.server);
  if (!config.ok()) return Fail(config.error());
  ServerConnector connector(setup->tokens);
  const auto client = connector.Connect(*config, {});
  if (!client.ok()) return Fail(client.error());
  std::vector<std::string> warnings;
  const auto tools = (*client)->ListTools(warnings);
  if (!tools.ok()) return Fail(tools.error());
  for (const std::string& warning : warnings) Log(LogLevel::kWarn, warning);
  return use(*setup, *config, **client, *tools);
}

ExitCode ShowTools(const ClientFlags& flags) {
  return WithServer(flags, [&](const Setup& setup, const mcp::McpServerConfig& config, mcp::Client&,
                               const std::vector<mcp::RemoteTool>& tools) {
    auto pins = mcp::ToolPins::Load(setup.pins);
    if (!pins.ok()) return Fail(pins.error());
    std::vector<std::string> changed;
    pins->Check(config.name, tools, changed);
    if (flags.json) {
      Json list = Json::array();
      for (const auto& tool : tools) {
        list.push_back({{"name", tool.name},
                        {"title", tool.title},
                        {"description", tool.description},
                        {"inputSchema", tool.input}});
      }
      std::printf("%s\n", DumpJson(list, 2).c_str());
      return ExitCode::kOk;
    }
    TextTable table({"tool", "state", "description"});
    for (const auto& tool : tools) {
      const bool is_changed = std::find(changed.begin(), changed.end(), tool.name) != changed.end();
      table.Add({tool.name, is_changed ? "changed" : "ok", tool.description});
    }
    std::printf("%s", table.Render(TerminalWidth(), 2).c_str());
    return ExitCode::kOk;
  });
}

ExitCode Approve(const ClientFlags& flags) {
  return WithServer(flags, [](const Setup& setup, const mcp::McpServerConfig& config, mcp::Client&,
                              const std::vector<mcp::RemoteTool>& tools) {
    auto pins = mcp::ToolPins::Load(setup.pins);
    if (!pins.ok()) return Fail(pins.error());
    pins->Approve(config.name, tools);
    if (const Status saved = pins->Save(); !saved.ok()) return Fail(saved.error());
    std::printf("%zu tools of '%s' are approved as they are.\n", tools.size(), config.name.c_str());
    return ExitCode::kOk;
  });
}

// A login happens when a server asks for it; this is for doing it before.
ExitCode Login(const ClientFlags& flags) {
  return WithServer(flags, [](const Setup&, const mcp::McpServerConfig& config, mcp::Client& client,
                              const std::vector<mcp::RemoteTool>& tools) {
    std::printf("'%s' lets us in: %s, %zu tools.\n", config.name.c_str(), Describe(client).c_str(),
                tools.size());
    return ExitCode::kOk;
  });
}

ExitCode Logout(const ClientFlags& flags) {
  const auto setup = LoadSetup(flags);
  if (!setup.ok()) return Fail(setup.error());
  const auto config = FindServer(*setup, flags.server);
  if (!config.ok()) return Fail(config.error());
  if (config->url.empty()) {
    return Fail(MakeError(ErrorCode::kInvalidArgument, "'", config->name,
                          "' is a program; only servers behind a URL have logins"));
  }
  const auto forgotten = ServerConnector(setup->tokens).Forget(*config);
  if (!forgotten.ok()) return Fail(forgotten.error());
  std::printf(
      *forgotten ? "The login to '%s' is forgotten here.\n" : "There was no login to '%s'.\n",
      config->name.c_str());
  return ExitCode::kOk;
}

ExitCode CallTool(const ClientFlags& flags) {
  StopOnSignal signals;
  const auto arguments = ParseJson(flags.arguments);
  if (!arguments.ok() || !arguments->is_object()) {
    return Fail(MakeError(ErrorCode::kInvalidArgument, "the arguments must be a JSON object"));
  }
  return WithServer(flags, [&](const Setup&, const mcp::McpServerConfig& config,
                               mcp::Client& client, const std::vector<mcp::RemoteTool>&) {
    const auto result = client.CallTool(
        flags.tool, *arguments, signals.token(),
        [](double done, std::optional<double> total, const std::string& message) {
          const std::string of = total ? Concat(" of ", *total) : "";
          std::fprintf(stderr, "%s\n", OneLine(Concat(done, of, " ", message)).c_str());
        });
    if (!result.ok()) return Fail(result.error());
    const auto shown = mcp::ToToolResult(*result, config.trusted);
    std::printf("%s\n", flags.json ? DumpJson(*result, 2).c_str() : shown.text.c_str());
    return shown.is_error ? ExitCode::kFailure : ExitCode::kOk;
  });
}

}  // namespace

void AddMcpClientCommands(CLI::App& mcp, Command& run) {
  auto flags = std::make_shared<ClientFlags>();
  const auto add = [&](const char* name, const char* description,
                       ExitCode (*act)(const ClientFlags&)) {
    auto* command = mcp.add_subcommand(name, description);
    command->add_option("--file", flags->file,
                        "The servers (default: mcp.json in $XDG_CONFIG_HOME/hearth)");
    command->callback([=, &run] { run = [=] { return act(*flags); }; });
    return command;
  };
  add("list", "The servers that hearth may use", ListServers);
  add("test", "Start servers and say what became of it", TestServers)
      ->add_option("server", flags->server, "One server (default: all)");
  auto* tools = add("tools", "The tools of a server", ShowTools);
  tools->add_option("server", flags->server, "The server")->required();
  tools->add_flag("--json", flags->json, "Print them as JSON");
  auto* call = add("call", "Call a tool of a server", CallTool);
  call->add_option("server", flags->server, "The server")->required();
  call->add_option("tool", flags->tool, "The tool")->required();
  call->add_option("arguments", flags->arguments, "A JSON object (default: {})");
  call->add_flag("--json", flags->json, "Print the whole result as JSON");
  add("login", "Log in to a server behind a URL", Login)
      ->add_option("server", flags->server, "The server")
      ->required();
  add("logout", "Forget the login to a server", Logout)
      ->add_option("server", flags->server, "The server")
      ->required();
  add("approve", "Accept a server's tools as they are now", Approve)
      ->add_option("server", flags->server, "The server")
      ->required();
}

}  // namespace hearth::main
