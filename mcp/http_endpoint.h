// HttpEndpoint: a Server over streamable HTTP, both eras, and over the HTTP+SSE of 2024-11-05; pure
// protocol, no sockets.
//
// The web server in front of it has looked at Host, Origin and tokens, gives each request to
// Handle, and carries out what the endpoint tells the HttpStream. A POST is answered by a JSON body
// where the answer is there at once and nothing was said before it, else by an event stream.
// Sessions of the legacy era have unguessable ids and end when they were not used for long; their
// streams can be taken up again (Last-Event-ID). A modern request stands for itself, and its client
// cancels it by going away.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcp/server.h"

namespace hearth::mcp {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

// What came in. Views live until Handle returns.
struct HttpInput {
  std::string_view method;
  std::string_view query;  // without the question mark
  std::string_view body;
  std::string_view principal;  // whom the token shows; "" where none is asked for
  // The value of a header by its lower-case name, without white space around it; empty where there
  // is none.
  std::function<std::string_view(std::string_view name)> header;
};

// The answer, as it is to be sent: Respond, or Begin, any number of Write, End. Thread-safe, and
// none of it waits.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  virtual void Respond(int status, HttpFields headers, std::string body) = 0;
  // 200 with an event stream.
  virtual void Begin(HttpFields headers) = 0;
  virtual void Write(std::string piece) = 0;
  virtual void End() = 0;
};

struct HttpLimits {
  size_t max_sessions = 1000;
  std::chrono::minutes idle{60};                // a session that was not used for so long may end
  size_t max_kept_events = 256;                 // of a stream, for a client that comes back
  size_t max_kept_bytes = 1 << 20;              // of a stream
  std::string messages_path = "/mcp/messages";  // where HTTP+SSE clients post to
};

class HttpEndpoint {
 public:
  HttpEndpoint(Server& server, const Clock& clock, HttpLimits limits = {});
  ~HttpEndpoint();

  // A request that is being answered. To be destroyed when its answer has been sent or its client
  // has gone.
  class Exchange {
   public:
    virtual ~Exchange() = default;
    // Something to be sent when nothing was for some seconds, so that proxies keep the connection;
    // begins the event stream where it has not begun.
    virtual void KeepAlive() = 0;
  };

  // The endpoint itself.
  std::unique_ptr<Exchange> Handle(const HttpInput& input, std::shared_ptr<HttpStream> stream);
  // The two addresses of HTTP+SSE: its event stream, and where its client posts to.
  std::unique_ptr<Exchange> HandleSse(const HttpInput& input, std::shared_ptr<HttpStream> stream);
  std::unique_ptr<Exchange> HandleMessages(const HttpInput& input,
                                           std::shared_ptr<HttpStream> stream);

  size_t sessions() const;
  // Ends all streams.
  void Close();

  class Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace hearth::mcp
