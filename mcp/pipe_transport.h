// PipeTransport: a client and a server of the same process, connected through memory.
#pragma once

#include <memory>

#include "mcp/client.h"
#include "mcp/server.h"

namespace hearth::mcp {

// Each transport is a session of its own. The server must outlive them.
TransportFactory PipeTransports(Server& server);

}  // namespace hearth::mcp
