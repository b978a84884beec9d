// Listener: HTTP/1.1 over TCP and Unix sockets, in front of a Site.
//
// One thread, one coroutine per connection; nothing a client does or leaves undone holds up
// another: heads and bodies have a deadline as a whole (not per byte), so has every write;
// connections, the head's size, a body's size and the bodies of all clients together are bounded.
// While a handler works the socket is watched, and a client that goes away ends its handler.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/http/exchange.h"

namespace hearth::http {

struct ListenerLimits {
  size_t max_connections = 512;
  uint32_t max_head_bytes = 32 << 10;
  uint64_t max_body_bytes = uint64_t{32} << 20;
  uint64_t max_all_bodies_bytes = uint64_t{256} << 20;  // being read or answered, together
  std::chrono::milliseconds head_time{10'000};
  std::chrono::milliseconds body_time{60'000};
  std::chrono::milliseconds idle_time{75'000};   // between two requests on a connection
  std::chrono::milliseconds write_time{30'000};  // for the client to take a piece of the answer
};

// Where to listen: a host (name or address) and a port, or the path of a Unix socket.
struct Endpoint {
  std::string host;
  uint16_t port = 0;
  std::string socket_path;  // where set, the others do not count

  std::string Describe() const;
};

class Listener {
 public:
  // Binds all endpoints. Errors say what is in the way and what to do. The site must outlive it.
  static Result<std::unique_ptr<Listener>> Create(const std::vector<Endpoint>& endpoints,
                                                  const ListenerLimits& limits, Site& site);
  ~Listener();

  // Serves until Stop has done its work. Call once.
  void Run();
  // From any thread: takes no more connections, gives requests in flight `grace` to finish, tells
  // them to end, and closes what is left a moment later.
  void Stop(std::chrono::milliseconds grace);

  boost::asio::any_io_executor executor();
  // Where it listens, with the port that was chosen where 0 was asked for.
  std::vector<Endpoint> endpoints() const;
  size_t connections() const;

 private:
  friend class Session;
  struct State;
  explicit Listener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hearth::http
