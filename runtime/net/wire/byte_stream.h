// ByteStream: bytes to a peer and back, over TCP or over TLS. Every wait has an end.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/base/core/result.h"
#include "runtime/net/url.h"
#include "runtime/net/wire/wait.h"

namespace hearth::net {

// For one thread at a time. Destruction closes it.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // At least one byte; 0 where the peer has closed.
  virtual Result<size_t> Read(char* to, size_t room, const Wait& wait) = 0;
  // All of it.
  virtual Status Write(std::string_view bytes, const Wait& wait) = 0;
  // Whether an idle connection has been closed by the peer, or holds bytes that nobody asked for.
  virtual bool Stale() const = 0;
  // The peer's end, given up by this stream: for TLS on top of it. Only of TCP streams.
  virtual int fd() const = 0;
};

// Connects to a host's addresses one after the other. With `public_only` private, link-local and
// loopback addresses are left out, whatever name led to them. Looking up a name may take as long as
// the system's resolver does (it gives up by itself).
Result<std::unique_ptr<ByteStream>> ConnectTcp(const std::string& host, uint16_t port,
                                               bool public_only, const Wait& wait);

}  // namespace hearth::net
