#include "mcp/server.h"

#include <algorithm>
#include <array>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/server/server_state.h"
#include "mcp/server/session_impl.h"

namespace hearth::mcp {
namespace {

bool IsToolName(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

std::string WriteImplementation(const ServerInfo& info) {
  Json json = {{"name", info.name}};
  if (!info.title.empty()) json["title"] = info.title;
  json["version"] = info.version;
  if (!info.description.empty()) json["description"] = info.description;
  if (!info.icons.is_null()) json["icons"] = info.icons;
  return WriteJson(json);
}

std::string WriteTool(const ServerTool& tool) {
  Json json = {{"name", tool.name}};
  if (!tool.title.empty()) json["title"] = tool.title;
  if (!tool.description.empty()) json["description"] = tool.description;
  json["inputSchema"] = tool.input;
  if (!tool.output.is_null()) json["outputSchema"] = tool.output;
  if (!tool.annotations.is_null()) json["annotations"] = tool.annotations;
  if (!tool.icons.is_null()) json["icons"] = tool.icons;
  if (!tool.meta.is_null()) json["_meta"] = tool.meta;
  return WriteJson(json);
}

constexpr std::array<const char*, 8> kSeverities = {"debug", "info",     "notice", "warning",
                                                    "error", "critical", "alert",  "emergency"};

}  // namespace

const char* ToString(LogSeverity severity) { return kSeverities[static_cast<size_t>(severity)]; }

std::optional<LogSeverity> ParseLogSeverity(std::string_view name) {
  for (size_t i = 0; i < kSeverities.size(); ++i) {
    if (name == kSeverities[i]) return static_cast<LogSeverity>(i);
  }
  return std::nullopt;
}

Server::State::State(ServerInfo i, const Clock& c, const ServerLimits& l)
    : info(std::move(i)),
      clock(c),
      limits(l),
      implementation(WriteImplementation(info)),
      sealer(c),
      tasks(c, l.max_tasks,
            [this](const Task& task) {
              for (const auto& session : Sessions()) session->TellTask(task);
            }),
      workers(l.workers, l.max_waiting) {}

void Server::State::Fill() {
  std::call_once(filled_, [this] {
    if (fill_) fill_();
  });
}

std::shared_ptr<const ToolEntry> Server::State::FindTool(std::string_view name) {
  Fill();
  const std::lock_guard lock(mutex_);
  for (const auto& entry : tools_) {
    if (entry->tool.name == name) return entry;
  }
  return nullptr;
}

std::vector<std::shared_ptr<const ToolEntry>> Server::State::Tools() {
  Fill();
  const std::lock_guard lock(mutex_);
  return tools_;
}

void Server::State::Register(const std::shared_ptr<ServerSession::Impl>& session) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [](const auto& entry) { return entry.second.expired(); });
  sessions_[session.get()] = session;
}

std::vector<std::shared_ptr<ServerSession::Impl>> Server::State::Sessions() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<ServerSession::Impl>> sessions;
  for (const auto& [key, weak] : sessions_) {
    if (auto session = weak.lock()) sessions.push_back(std::move(session));
  }
  return sessions;
}

Json Server::State::Capabilities(Era era) const {
  Json capabilities = {{"tools", {{"listChanged", true}}}, {"logging", Json::object()}};
  if (prompts.load() != nullptr) capabilities["prompts"] = {{"listChanged", true}};
  if (resources.load() != nullptr) {
    capabilities["resources"] = {{"subscribe", true}, {"listChanged", true}};
  }
  if (prompts.load() != nullptr || resources.load() != nullptr) {
    capabilities["completions"] = Json::object();
  }
  // Hosts of the legacy era show ui:// views too.
  capabilities["extensions"] = {{std::string(kUiExtension), Json::object()}};
  if (era == Era::kModern)
    capabilities["extensions"][std::string(kTasksExtension)] = Json::object();
  return capabilities;
}

Server::Server(ServerInfo info, const Clock& clock, const ServerLimits& limits)
    : state_(std::make_unique<State>(std::move(info), clock, limits)) {}

Server::~Server() { Stop(std::chrono::milliseconds(0)); }

void Server::FillLater(std::function<void()> fill) { state_->fill_ = std::move(fill); }

Status Server::AddTool(ServerTool tool) {
  const auto refuse = [&](const std::string& why) {
    return MakeError(ErrorCode::kInvalidArgument, "tool '", tool.name.substr(0, 128), "': ", why);
  };
  if (!IsToolName(tool.name)) {
    return refuse("a name has 1 to 128 letters, digits, '_', '-' or '.'");
  }
  if (!tool.handler) return refuse("it has no handler");
  const Json* type = FindMember(tool.input, "type");
  if (type == nullptr || *type != "object") return refuse("its input's type must be \"object\"");
  ToolEntry entry;
  if (!tool.checks_itself) {
    auto schema = tools::ArgumentSchema::Compile(tool.input);
    if (!schema.ok()) return refuse(schema.error().message);
    entry.schema = *std::move(schema);
  }
  entry.listed = WriteTool(tool);
  entry.tool = std::move(tool);
  const std::lock_guard lock(state_->mutex_);
  for (const auto& other : state_->tools_) {
    if (other->tool.name == entry.tool.name) {
      return MakeError(ErrorCode::kInvalidArgument, "tool '", entry.tool.name,
                       "': there is another tool of that name");
    }
  }
  state_->tools_.push_back(std::make_shared<const ToolEntry>(std::move(entry)));
  return {};
}

void Server::RemoveTool(std::string_view name) {
  const std::lock_guard lock(state_->mutex_);
  std::erase_if(state_->tools_, [&](const auto& entry) { return entry->tool.name == name; });
}

void Server::SetResources(ResourceProvider* provider) { state_->resources = provider; }
void Server::SetPrompts(PromptProvider* provider) { state_->prompts = provider; }

void Server::ToolsChanged() {
  for (const auto& session : state_->Sessions()) session->TellListChanged(ListKind::kTools);
}

void Server::PromptsChanged() {
  for (const auto& session : state_->Sessions()) session->TellListChanged(ListKind::kPrompts);
}

void Server::ResourcesChanged() {
  for (const auto& session : state_->Sessions()) session->TellListChanged(ListKind::kResources);
}

void Server::ResourceUpdated(const std::string& uri) {
  for (const auto& session : state_->Sessions()) session->TellUpdated(uri);
}

bool Server::LookForChanges() {
  ResourceProvider* provider = state_->resources;
  if (provider == nullptr) return false;
  std::vector<std::string> watched;
  bool anybody = false;
  for (const auto& session : state_->Sessions()) anybody |= session->AddWatched(watched);
  if (!anybody) return false;
  std::ranges::sort(watched);
  watched.erase(std::unique(watched.begin(), watched.end()), watched.end());
  const ResourceProvider::Changes changes = provider->Look(watched);
  for (const std::string& uri : changes.uris) ResourceUpdated(uri);
  if (changes.list) ResourcesChanged();
  return AnybodyWatches();
}

bool Server::AnybodyWatches() const {
  if (state_->resources.load() == nullptr) return false;
  return std::ranges::any_of(state_->Sessions(),
                             [](const auto& session) { return session->Watches(); });
}

bool Server::Stop(std::chrono::milliseconds grace) {
  state_->stopping = true;
  for (const auto& session : state_->Sessions()) session->Close();
  state_->tasks.CancelAll();
  return state_->workers.Stop(grace);
}

}  // namespace hearth::mcp
