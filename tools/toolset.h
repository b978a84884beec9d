// Toolset: the tools that a session, an MCP client or a job may call.
//
// Fill it, then share it: Add is for one thread, the rest is const and thread-safe.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "runtime/base/core/result.h"
#include "runtime/base/json.h"
#include "tools/argument_schema.h"
#include "tools/tool.h"

namespace hearth::tools {

class Toolset {
 public:
  // Refused with the tool's name in the message: a name that is taken or malformed, a tool without
  // a handler, a schema that cannot be checked completely (ArgumentSchema).
  Status Add(Tool tool);

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  // Null where there is none. Pointers stay valid as long as the toolset.
  const Tool* Find(std::string_view name) const;
  // In the order in which they were added.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const auto& entry : entries_) visit(entry.tool);
  }
  // All tools as a list of ToFunctionJson, for a chat template.
  Json ToFunctionsJson() const;

  // Why the call cannot be made (no such tool, arguments that do not fit), in words for the model.
  Status Check(std::string_view name, const Json& arguments) const;
  // Checks, then runs the handler. Whatever goes wrong, exceptions included, ends in this result
  // and touches no other call.
  ToolResult Call(std::string_view name, const Json& arguments, const ToolContext& context) const;

 private:
  struct Entry {
    Tool tool;
    ArgumentSchema schema;
  };
  const Entry* FindEntry(std::string_view name) const;

  std::deque<Entry> entries_;
};

}  // namespace hearth::tools
