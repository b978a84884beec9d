#include "runtime/main/user_servers.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <set>
#include <thread>

#include "mcp/mcp_toolset.h"
#include "runtime/base/log.h"
#include "runtime/base/text.h"
#include "runtime/main/elicitation_form.h"
#include "runtime/main/read_file.h"

namespace hearth::main {
namespace {

std::string TextOf(const Json& object, const char* name) {
  const Json* value = FindMember(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

}  // namespace

Json TerminalElicitation::Elicit(const std::string& server, const Json& params) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  std::ifstream terminal("/dev/tty");
  if (::isatty(0) == 0 || !terminal) return {{"action", "decline"}};
  return AskForm(server, params, terminal, std::cerr);
}

Result<serving::ChatRequest> FromSamplingParams(const Json& params) {
  constexpr uint32_t kMostTokens = 4096;
  serving::ChatRequest request;
  request.tool_choice = serving::ToolChoice::kNone;
  if (const std::string system = TextOf(params, "systemPrompt"); !system.empty()) {
    request.messages.push_back({.role = serving::Role::kSystem, .content = system});
  }
  const Json* messages = FindMember(params, "messages");
  if (messages == nullptr || !messages->is_array() || messages->empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "\"messages\" must be a list of messages");
  }
  for (const Json& message : *messages) {
    const Json* content = FindMember(message, "content");
    const Json blocks = content == nullptr    ? Json::array()
                        : content->is_array() ? *content
                                              : Json::array({*content});
    serving::Message said;
    said.role =
        TextOf(message, "role") == "assistant" ? serving::Role::kAssistant : serving::Role::kUser;
    for (const Json& block : blocks) {
      if (TextOf(block, "type") != "text") {
        return MakeError(ErrorCode::kUnsupported, "only text can be sampled from here");
      }
      said.content += TextOf(block, "text");
    }
    request.messages.push_back(std::move(said));
  }
  const Json* most = FindMember(params, "maxTokens");
  if (most != nullptr && most->is_number_unsigned()) {
    request.max_tokens = static_cast<uint32_t>(
        std::min<uint64_t>(kMostTokens, std::max<uint64_t>(1, most->get<uint64_t>())));
  }
  request.sampling.temperature = 0;
  return request;
}

Result<Json> LocalSampling::CreateMessage(const std::string&, const Json& params) {
  serving::LanguageModel* model = model_;
  if (model == nullptr) return MakeError(ErrorCode::kUnsupported, "no model is loaded");
  HEARTH_TRY(const auto request, FromSamplingParams(params));
  const auto conversation = model->StartConversation();
  HEARTH_TRY(const auto reply, conversation->Reply(request, [](const auto&) {}, {}));
  const bool whole = reply.reason == model::FinishReason::kStop;
  return Json{{"role", "assistant"},
              {"content", {{"type", "text"}, {"text", reply.message.content}}},
              {"model", model->name()},
              {"stopReason", whole ? "endTurn" : "maxTokens"}};
}

bool ConfirmOnTerminal(const std::string& tool, const Json& arguments) {
  std::ifstream terminal("/dev/tty");
  if (::isatty(0) == 0 || !terminal) return false;
  std::fprintf(stderr, "\nCall %s %s? (y/n) ", OneLine(tool).c_str(),
               Clip(OneLine(DumpJson(arguments)), 400).c_str());
  std::string line;
  return std::getline(terminal, line) && (line == "y" || line == "yes");
}

void UserServers::Close() {
  for (const Server& server : servers_) server.client->Close();
}

Status UserServers::Start(const Paths& paths) {
  const std::filesystem::path file = paths.config / "mcp.json";
  if (!std::filesystem::exists(file)) return {};
  HEARTH_TRY(const std::string text, ReadFile(file.string()));
  std::vector<std::string> warnings;
  const auto configs = mcp::ReadMcpServers(text, warnings);
  if (!configs.ok()) {
    return MakeError(configs.error().code, file.string(), ": ", configs.error().message);
  }
  pins_file_ = paths.data / "mcp_pins.json";
  connector_.emplace(paths.data / "mcp_tokens.json");
  std::vector<std::optional<Result<std::unique_ptr<mcp::Client>>>> clients(configs->size());
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable answered;
  std::set<std::string> silent;
  for (const auto& config : *configs) {
    if (!config.disabled) silent.insert(config.name);
  }
  for (size_t i = 0; i < configs->size(); ++i) {
    if ((*configs)[i].disabled) continue;
    threads.emplace_back([&, i] {
      clients[i] = connector_->Connect((*configs)[i],
                                       {.sampling = &sampling_, .elicitation = &elicitation_});
      const std::lock_guard lock(mutex);
      silent.erase((*configs)[i].name);
      answered.notify_one();
    });
  }
  {
    // Some fetch themselves first and take a minute; a person wants to know whom they wait for.
    std::unique_lock lock(mutex);
    answered.wait_for(lock, std::chrono::seconds(5), [&] { return silent.empty(); });
    for (const std::string& name : silent) {
      Log(LogLevel::kWarn, Concat("waiting for the MCP server '", name, "' to start"));
    }
  }
  for (auto& thread : threads) thread.join();
  for (size_t i = 0; i < clients.size(); ++i) {
    if (!clients[i]) continue;
    if (clients[i]->ok()) {
      servers_.push_back({(*configs)[i], **std::move(clients[i])});
    } else {
      warnings.push_back(clients[i]->error().message);
    }
  }
  for (const std::string& warning : warnings) Log(LogLevel::kWarn, warning);
  return {};
}

Status UserServers::AddTools(tools::Toolset& toolset) {
  if (servers_.empty()) return {};
  HEARTH_TRY(auto pins, mcp::ToolPins::Load(pins_file_));
  std::vector<std::string> warnings;
  for (const Server& server : servers_) {
    const Status added = mcp::AddServerTools(toolset, *server.client, server.config, pins,
                                             ConfirmOnTerminal, warnings);
    if (!added.ok()) warnings.push_back(added.error().message);
  }
  for (const std::string& warning : warnings) Log(LogLevel::kWarn, warning);
  return pins.Save();
}

bool UserServers::TakeToolsChanged() {
  bool changed = false;
  for (const Server& server : servers_) changed |= server.client->TakeToolsChanged();
  return changed;
}

}  // namespace hearth::main
