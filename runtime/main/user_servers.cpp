#include "runtime/main/user_servers.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "mcp/mcp_toolset.h"
#include "runtime/base/log.h"
#include "runtime/base/text.h"
#include "runtime/main/read_file.h"

namespace hearth::main {
namespace {

std::string TextOf(const Json& object, const char* name) {
  const Json* value = FindMember(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

// The line as a value of the field's type; null where it is none.
Json ReadField(const Json& schema, const std::string& line) {
  const std::string type = TextOf(schema, "type");
  if (type == "boolean") {
    if (line == "y" || line == "yes" || line == "true") return true;
    if (line == "n" || line == "no" || line == "false") return false;
    return nullptr;
  }
  if (type == "integer" || type == "number") {
    const auto number = ParseJson(line);
    const bool fits =
        number.ok() && (type == "integer" ? number->is_number_integer() : number->is_number());
    return fits ? *number : Json(nullptr);
  }
  const Json* allowed = FindMember(schema, "enum");
  if (allowed != nullptr && std::find(allowed->begin(), allowed->end(), line) == allowed->end()) {
    return nullptr;
  }
  return line;
}

std::string Hint(const Json& schema) {
  if (const Json* allowed = FindMember(schema, "enum")) return " " + OneLine(DumpJson(*allowed));
  return TextOf(schema, "type") == "boolean" ? " (y/n)" : "";
}

}  // namespace

Json TerminalElicitation::Elicit(const std::string& server, const Json& params) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  const Json* schema = FindMember(params, "requestedSchema");
  const Json* fields = schema == nullptr ? nullptr : FindMember(*schema, "properties");
  std::ifstream terminal("/dev/tty");
  if (fields == nullptr || !fields->is_object() || ::isatty(0) == 0 || !terminal) {
    return {{"action", "decline"}};
  }
  std::fprintf(stderr,
               "\nThe MCP server '%s' asks: %s\n(an empty line takes what stands in "
               "brackets, a dot alone declines)\n",
               server.c_str(), OneLine(TextOf(params, "message")).c_str());
  Json content = Json::object();
  for (const auto& [name, field] : fields->items()) {
    const Json* otherwise = FindMember(field, "default");
    const std::string title = TextOf(field, "title");
    const std::string shown =
        otherwise == nullptr ? "" : " [" + OneLine(DumpJson(*otherwise)) + "]";
    Json value;
    while (value.is_null()) {
      std::fprintf(stderr, "  %s%s%s: ", OneLine(title.empty() ? name : title).c_str(),
                   Hint(field).c_str(), shown.c_str());
      std::string line;
      if (!std::getline(terminal, line) || line == ".") return {{"action", "decline"}};
      value = line.empty() && otherwise != nullptr ? *otherwise : ReadField(field, line);
    }
    content[name] = std::move(value);
  }
  return {{"action", "accept"}, {"content", std::move(content)}};
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
  for (const auto& client : clients_) client->Close();
}

Status UserServers::AddTo(tools::Toolset& toolset, const Paths& paths) {
  const std::filesystem::path file = paths.config / "mcp.json";
  if (!std::filesystem::exists(file)) return {};
  HEARTH_TRY(const std::string text, ReadFile(file.string()));
  std::vector<std::string> warnings;
  const auto servers = mcp::ReadMcpServers(text, warnings);
  if (!servers.ok()) {
    return MakeError(servers.error().code, file.string(), ": ", servers.error().message);
  }
  HEARTH_TRY(auto pins, mcp::ToolPins::Load(paths.data / "mcp_pins.json"));
  std::vector<std::unique_ptr<mcp::Client>> clients(servers->size());
  std::vector<std::string> failures(servers->size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < servers->size(); ++i) {
    const auto& config = (*servers)[i];
    if (config.disabled) continue;
    if (!config.url.empty()) {
      failures[i] = Concat("MCP server '", config.name,
                           "': servers behind a URL cannot be reached by this build");
      continue;
    }
    threads.emplace_back([&, i] {
      auto client = mcp::Client::Connect(config, mcp::StdioTransports(launcher_, config.launch),
                                         {.sampling = &sampling_, .elicitation = &elicitation_});
      if (client.ok()) {
        clients[i] = *std::move(client);
      } else {
        failures[i] = client.error().message;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (size_t i = 0; i < clients.size(); ++i) {
    if (!failures[i].empty()) warnings.push_back(failures[i]);
    if (clients[i] == nullptr) continue;
    const Status added =
        mcp::AddServerTools(toolset, *clients[i], (*servers)[i], pins, ConfirmOnTerminal, warnings);
    if (!added.ok()) warnings.push_back(added.error().message);
    clients_.push_back(std::move(clients[i]));
  }
  for (const std::string& warning : warnings) Log(LogLevel::kWarn, warning);
  return pins.Save();
}

}  // namespace hearth::main
