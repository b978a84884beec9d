// What the modern era asks of a request's headers: they repeat parts of the body for proxies, so
// they must say the same (SEP-2243). The server compares, the client writes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mcp/http_endpoint.h"
#include "mcp/jsonrpc/message.h"

namespace hearth::mcp {

// A header's value, which may be written as =?base64?…?=; nothing where that is malformed.
std::optional<std::string> DecodeHeaderValue(std::string_view value);
// The other way round: as it is where it is plain ASCII, else in that form.
std::string EncodeHeaderValue(std::string_view value);

// Why Mcp-Method, Mcp-Name and MCP-Protocol-Version contradict the body, or empty.
std::string CompareHeaders(const HttpInput& input, const Message& message);
// The same for Mcp-Param-… headers and the arguments that the tool's schema marks with
// x-mcp-header.
std::string CompareParameters(const HttpInput& input, const Json& schema,
                              std::string_view arguments);

// ---- The client's side ----

// The headers that a modern request needs, arguments aside; none for messages of the legacy era.
HttpFields RequestHeaders(const Message& message);
// Why a tool's x-mcp-header marks cannot be followed (they must be header names, each once, on
// strings, integers and booleans), or empty.
std::string CheckHeaderMarks(const Json& schema);
// The Mcp-Param-… headers for the arguments that the schema marks.
HttpFields ParameterHeaders(const Json& schema, const Json& arguments);

}  // namespace hearth::mcp
