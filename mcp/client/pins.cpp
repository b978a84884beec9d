#include "mcp/pins.h"

#include <fstream>
#include <iterator>

#include "mcp/client/private_file.h"
#include "mcp/jsonrpc/json_text.h"
#include "mcp/security/base64.h"
#include "mcp/security/sha256.h"

namespace hearth::mcp {
namespace {

// Members in an order of their own: a server may write them in another one each time.
std::string Canonical(const Json& value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string Hash(const RemoteTool& tool) {
  const Json shown = {
      {"name", tool.name},   {"title", tool.title},   {"description", tool.description},
      {"input", tool.input}, {"output", tool.output}, {"annotations", tool.annotations}};
  return Base64Url(AsText(Sha256(Canonical(shown))));
}

}  // namespace

Result<ToolPins> ToolPins::Load(const std::filesystem::path& path) {
  ToolPins pins(path);
  std::ifstream file(path, std::ios::binary);
  if (!file) return pins;
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto json = ParseJson(text);
  const auto damaged = [&] {
    return MakeError(ErrorCode::kInvalidArgument, path.string(),
                     " is damaged; delete it to approve all tools anew");
  };
  if (!json.ok() || !json->is_object()) return damaged();
  for (const auto& [server, tools] : json->items()) {
    if (!tools.is_object()) return damaged();
    for (const auto& [tool, hash] : tools.items()) {
      if (!hash.is_string()) return damaged();
      pins.pins_[server][tool] = hash.get<std::string>();
    }
  }
  return pins;
}

std::vector<RemoteTool> ToolPins::Check(const std::string& server,
                                        const std::vector<RemoteTool>& tools,
                                        std::vector<std::string>& changed) {
  std::vector<RemoteTool> usable;
  auto& pinned = pins_[server];
  for (const RemoteTool& tool : tools) {
    const std::string hash = Hash(tool);
    const auto [entry, is_new] = pinned.try_emplace(tool.name, hash);
    dirty_ |= is_new;
    if (entry->second == hash) {
      usable.push_back(tool);
    } else {
      changed.push_back(tool.name);
    }
  }
  return usable;
}

void ToolPins::Approve(const std::string& server, const std::vector<RemoteTool>& tools) {
  auto& pinned = pins_[server];
  pinned.clear();
  for (const RemoteTool& tool : tools) pinned[tool.name] = Hash(tool);
  dirty_ = true;
}

Status ToolPins::Save() {
  if (!dirty_) return {};
  Json json = Json::object();
  for (const auto& [server, tools] : pins_) json[server] = tools;
  HEARTH_CHECK_OK(WritePrivateFile(path_, DumpJson(json, 2) + "\n"));
  dirty_ = false;
  return {};
}

}  // namespace hearth::mcp
