// The HTTP+SSE transport of 2024-11-05: one event stream for all that the server says, whose first
// event names the address that messages are posted to.
#pragma once

#include <memory>
#include <stop_token>

#include "mcp/client/http_requester.h"
#include "mcp/client_transport.h"

namespace hearth::mcp {

// Opens the stream and waits for the address, which must be of the same origin. Errors: what the
// address answers is no such stream. The requester must outlive the transport.
Result<std::unique_ptr<ClientTransport>> ConnectSse(HttpRequester& requester, std::stop_token stop);

}  // namespace hearth::mcp
