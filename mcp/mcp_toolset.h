// McpToolset: the tools of other MCP servers as tools of ours.
//
// Names are server__tool (tool_names.h). A schema that says more than our checker understands is
// widened; the server itself still checks. A server with resources gets a tool that reads them, one
// with prompts a tool that fetches them. Results are labelled untrusted unless the server's entry
// says otherwise.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mcp/client.h"
#include "mcp/pins.h"
#include "tools/toolset.h"

namespace hearth::mcp {

// Asks whether a call may be made; its tool's name and arguments are shown.
using ConfirmCall = std::function<bool(const std::string& tool, const Json& arguments)>;

// Adds the tools of one server. What cannot be used is left out with a warning; the pins decide
// about tools that have changed. Calls are confirmed unless the server is trusted or its entry
// allows the tool; a server's own hints decide nothing. The client must outlive the toolset.
Status AddServerTools(tools::Toolset& toolset, Client& client, const McpServerConfig& config,
                      ToolPins& pins, const ConfirmCall& confirm,
                      std::vector<std::string>& warnings);

// A CallToolResult as text for a model: content first, structured content where there is none;
// pictures and sounds as notes; cut at a length that a model can read.
tools::ToolResult ToToolResult(const Json& result, bool trusted);

// The schema without what ArgumentSchema does not check: what it allows is a superset.
Json WidenSchema(const Json& schema);

}  // namespace hearth::mcp
