// The routes of an MCP endpoint: /mcp (streamable HTTP), /mcp/sse and /mcp/messages (HTTP+SSE).
#pragma once

#include "mcp/http_endpoint.h"
#include "runtime/http/router.h"

namespace hearth::http {

// The endpoint must outlive the router's use.
void AddMcpRoutes(Router& router, mcp::HttpEndpoint& endpoint);

}  // namespace hearth::http
