// Server::State: what the sessions of one server share.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mcp/server.h"
#include "mcp/server/request_state.h"
#include "mcp/server/task_table.h"
#include "mcp/server/workers.h"
#include "mcp/server_session.h"
#include "tools/argument_schema.h"

namespace hearth::mcp {

struct ToolEntry {
  ServerTool tool;
  std::optional<tools::ArgumentSchema> schema;  // none: the tool checks itself
  std::string listed;                           // its JSON text in tools/list
};

struct Server::State {
  State(ServerInfo i, const Clock& c, const ServerLimits& l);

  std::shared_ptr<const ToolEntry> FindTool(std::string_view name);
  std::vector<std::shared_ptr<const ToolEntry>> Tools();
  // A session hears about changes from then on.
  void Register(const std::shared_ptr<ServerSession::Impl>& session);
  std::vector<std::shared_ptr<ServerSession::Impl>> Sessions() const;
  Json Capabilities(Era era) const;

  const ServerInfo info;
  const Clock& clock;
  const ServerLimits limits;
  const std::string implementation;  // JSON text of our Implementation
  std::atomic<ResourceProvider*> resources = nullptr;
  std::atomic<PromptProvider*> prompts = nullptr;
  RequestSealer sealer;
  TaskTable tasks;
  std::atomic<uint64_t> calls = 0;
  std::atomic<bool> stopping = false;

 private:
  friend class Server;
  void Fill();

  std::function<void()> fill_;
  std::once_flag filled_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const ToolEntry>> tools_;
  std::map<ServerSession::Impl*, std::weak_ptr<ServerSession::Impl>> sessions_;

 public:
  Workers workers;  // last: its threads use the rest
};

}  // namespace hearth::mcp
