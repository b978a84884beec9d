// TaskPrompts: prompts that a host offers its user: plan my day, weekly review, triage.
#pragma once

#include <string>
#include <vector>

#include "mcp/server.h"
#include "memory/store.h"

namespace hearth::main {

class TaskPrompts : public mcp::PromptProvider {
 public:
  // The store must outlive it.
  TaskPrompts(memory::Store& store, std::string repository)
      : store_(store), repository_(std::move(repository)) {}

  std::vector<Json> List() override;
  Result<Json> Get(std::string_view name, const Json& arguments, mcp::Request& request) override;
  std::vector<std::string> Complete(std::string_view name, std::string_view argument,
                                    std::string_view value, const Json& context) override;

 private:
  // The open tasks as JSON, for the prompt to speak about.
  Result<std::string> OpenTasks();

  memory::Store& store_;
  const std::string repository_;
};

}  // namespace hearth::main
