// AddToolset: offers a Toolset's tools over MCP.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "mcp/server.h"
#include "tools/toolset.h"

namespace hearth::mcp {

struct ToolsetOptions {
  std::string repository = "default";
  // Label of what clients make us store: what their models wrote may be a stranger's words.
  memory::Trust writer = memory::Trust::kUntrusted;
  // Descriptions for arguments that have none, by tool and argument.
  std::map<std::pair<std::string, std::string>, std::string> descriptions;
  // _meta of tools, by name: the view that shows their results, for example.
  std::map<std::string, Json> meta;
  // Tools whose results depend on nothing but their arguments and the store, and the store's
  // version (null where it cannot be told): while it stays, equal calls get the result of the
  // first.
  std::set<std::string> kept;
  std::function<std::optional<uint64_t>()> version;
  // What the user is asked before a destructive call; empty where there is nothing to ask.
  std::function<std::string(const tools::Tool&, const Json& arguments)> confirm;
};

// An icon for a tool: strokes of an SVG path on a square of 24, as a list for `icons`.
Json StrokeIcon(std::string_view strokes);

// Results carry the structured value and the same JSON as text. Destructive tools ask the user
// first where the client can. The toolset and the clock must outlive the server.
Status AddToolset(Server& server, const tools::Toolset& toolset, const Clock& clock,
                  const ToolsetOptions& options);

}  // namespace hearth::mcp
