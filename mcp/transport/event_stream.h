// EventStream: server-sent events on a connection that may break and be taken up again.
//
// After the HTML standard, section 9.2: "id: …\ndata: …\n\n". Events that a client may have missed
// are kept, up to a number and a size.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "mcp/http_endpoint.h"

namespace hearth::mcp {

// Thread-safe.
class EventStream {
 public:
  // Events get ids, and are kept, where `resumable`; `id` names the stream among its session's.
  EventStream(std::string id, bool resumable, const HttpLimits& limits);

  // From now on events go to this connection, beginning with those after the event number `after`.
  // A connection that had them before ends. False where events after that number are gone.
  bool Attach(std::shared_ptr<HttpStream> connection, HttpFields headers, uint64_t after);
  // The connection has gone; where another one has taken its place nothing happens.
  void Detach(const HttpStream* connection);
  void Send(std::string_view message);
  void SendNamed(std::string_view name, std::string_view data);
  // Lets go of the connection; the client comes back after a while.
  void Pause();
  // Nothing comes any more.
  void End();
  void Comment();

  const std::string& id() const { return id_; }
  bool ended() const;
  // The number of the last event.
  uint64_t last() const;

  // "STREAM-NUMBER", as in Last-Event-ID.
  static std::optional<std::pair<std::string, uint64_t>> ParseEventId(std::string_view text);

 private:
  std::string Format(uint64_t number, std::string_view data) const;

  const std::string id_;
  const bool resumable_;
  const size_t max_events_;
  const size_t max_bytes_;
  mutable std::mutex mutex_;
  std::shared_ptr<HttpStream> connection_;
  std::deque<std::pair<uint64_t, std::string>> kept_;  // number, data
  size_t kept_bytes_ = 0;
  uint64_t last_ = 0;
  bool ended_ = false;
};

}  // namespace hearth::mcp
