// ClientTransport: messages to another MCP server and back. Implementations: a child's pipes,
// streamable HTTP, memory.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcp/launcher.h"
#include "runtime/base/core/result.h"

namespace hearth::net {
class HttpClient;
}

namespace hearth::mcp {

class Authorizer;

class ClientTransport {
 public:
  // Who hears of what comes in. Called from threads of the transport's, one call at a time.
  struct Listener {
    std::function<void(std::string_view message)> message;
    // The request with this id (its JSON text) will have no answer. kConflict: the server has
    // forgotten the session and has not looked at the request.
    std::function<void(std::string_view id, const Error& error)> failure;
    // Nothing comes any more; once, and last.
    std::function<void()> end;
  };
  // Headers that go with a message where the transport has any.
  using Headers = std::vector<std::pair<std::string, std::string>>;

  virtual ~ClientTransport() = default;
  // Begins to deliver. Call once.
  virtual void Start(Listener listener) = 0;
  // Thread-safe. kIo where the server has gone.
  virtual Status Send(std::string_view message, const Headers& headers) = 0;
  // Ends the connection, and the server where it is ours; the listener's end has come when this
  // returns. What is known about the end, in words.
  virtual std::string Close() = 0;
  // What a person would want to read when something failed: the server's last words.
  virtual std::string last_words() const { return {}; }
};

// Makes a transport for each attempt to connect.
using TransportFactory = std::function<Result<std::unique_ptr<ClientTransport>>()>;

// A server's program over its pipes. The launcher must outlive the factory.
TransportFactory StdioTransports(Launcher& launcher, LaunchSpec spec);

// A server at an address: streamable HTTP, or the HTTP+SSE of 2024-11-05 where it knows nothing
// else. kInvalidArgument: the address is none, or is neither https nor on this machine. `http` and
// `authorizer` (may be null) must outlive the transports.
Result<TransportFactory> HttpTransports(net::HttpClient& http, const std::string& url,
                                        ClientTransport::Headers headers, Authorizer* authorizer);

}  // namespace hearth::mcp
