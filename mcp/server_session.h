// ServerSession: one client's conversation with a Server; pure protocol, no sockets.
//
// It speaks both eras, by request: one that names its revision in its _meta is modern and stands
// for itself, others belong to the session that initialize opened. Over stdio one session serves
// the whole connection; over HTTP there is one for each legacy session, and one for each modern
// request.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "mcp/channel.h"
#include "mcp/server.h"

namespace hearth::mcp {

// Thread-safe.
class ServerSession {
 public:
  struct Options {
    // Whom the client has shown itself to be ("" where nobody asked): tasks and request states are
    // theirs alone.
    std::string principal;
    // The transport says that this is modern, or legacy, whatever the message looks like.
    std::optional<Era> era;
    // Tools that change something run on a worker: writing to a disk would hold up the thread that
    // serves other connections too.
    bool writes_on_workers = false;
  };
  // `own` gets what belongs to no request: list_changed, resources/updated.
  ServerSession(Server& server, std::shared_ptr<Channel> own, Options options);
  // Close.
  ~ServerSession();
  ServerSession(const ServerSession&) = delete;
  ServerSession& operator=(const ServerSession&) = delete;

  // Handles one JSON text. Where its answer takes no waiting, the channel has it when this returns;
  // else a worker gives it later. The text is no longer needed afterwards.
  void Receive(std::string_view text, const std::shared_ptr<Channel>& channel);
  // A line that was too long to be read.
  void ReceiveTooLong(size_t limit, const std::shared_ptr<Channel>& channel);
  // The client has gone: running calls are cancelled, questions unanswered.
  void Close();
  // Calls of this session whose answer is still to come.
  size_t running() const;
  // The revision that initialize agreed upon; empty before.
  std::string revision() const;

  class Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace hearth::mcp
