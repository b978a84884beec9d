// TaskResources: a task repository and its sessions as MCP resources.
//
//   task://{id}       one task
//   tasks://all       all tasks of the repository, most pressing first
//   tasks://report    counts, a summary, what to do next
//   session://{id}    a conversation with the assistant
//   ui://hearth/task-board   the task board, a view that hosts show (MCP Apps)
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "mcp/server.h"
#include "memory/store.h"

namespace hearth::main {

// The page at kTaskBoardUri.
const char* TaskBoardPage();
inline constexpr const char* kTaskBoardUri = "ui://hearth/task-board";

class TaskResources : public mcp::ResourceProvider {
 public:
  // The store must outlive it.
  TaskResources(memory::Store& store, std::string repository)
      : store_(store), repository_(std::move(repository)) {}

  std::vector<Json> List() override;
  std::vector<Json> Templates() override;
  Result<Json> Read(std::string_view uri, mcp::Request& request) override;
  std::vector<std::string> Complete(std::string_view uri_template, std::string_view variable,
                                    std::string_view value) override;
  Changes Look(const std::vector<std::string>& watched) override;

 private:
  Result<Json> ReadJson(std::string_view uri);
  Result<Json> ReadTask(std::string_view id);
  Result<Json> ReadAllTasks();
  Result<Json> ReadSession(std::string_view id);

  memory::Store& store_;
  const std::string repository_;
  std::mutex mutex_;
  std::map<std::string, size_t> seen_;  // what a watched resource was when Look last saw it
  size_t seen_list_ = 0;
};

}  // namespace hearth::main
