// Channel: the way back to whoever sent a message.
//
// Transports implement it: one for the whole of a stdio connection, one per request over HTTP
// (where it is a JSON body or an event stream). Messages are whole JSON texts without line breaks.
#pragma once

#include <string_view>

namespace hearth::mcp {

// Thread-safe: workers answer from threads of their own.
class Channel {
 public:
  virtual ~Channel() = default;
  // A notification or a request of ours that belongs to the message being handled.
  virtual void Send(std::string_view message) = 0;
  // The answer, and the last that is said; empty where the message gets none. Called once for each
  // message that was received, at the latest when the session ends.
  virtual void Finish(std::string_view answer) = 0;
  // Lets go of a connection that the peer can take up again (legacy HTTP); elsewhere nothing.
  virtual void Pause() {}
};

}  // namespace hearth::mcp
