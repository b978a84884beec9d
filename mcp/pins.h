// ToolPins: what a server's tools looked like when they were approved.
//
// A tool is pinned by the SHA-256 of its name, description and schemas when it is first seen. One
// that looks different later is not offered to a model until a person approves it: a description is
// an instruction, and its author may have become another one. Kept as JSON {server: {tool: hash}},
// mode 0600.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "mcp/client.h"
#include "runtime/base/core/result.h"

namespace hearth::mcp {

class ToolPins {
 public:
  // An absent file is an empty one; a damaged one is an Error: it must not approve everything.
  static Result<ToolPins> Load(const std::filesystem::path& path);

  // The tools that may be used; those that are new are pinned. Names of the others go to `changed`.
  std::vector<RemoteTool> Check(const std::string& server, const std::vector<RemoteTool>& tools,
                                std::vector<std::string>& changed);
  // Pins the tools as they are.
  void Approve(const std::string& server, const std::vector<RemoteTool>& tools);
  // Writes the file where something was pinned since Load.
  Status Save();

 private:
  explicit ToolPins(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
  std::map<std::string, std::map<std::string, std::string>> pins_;
  bool dirty_ = false;
};

}  // namespace hearth::mcp
