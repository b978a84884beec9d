// ResponseReader: an HTTP/1.1 response out of bytes as they come; no sockets.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/base/core/result.h"
#include "runtime/net/http_client.h"

namespace hearth::net {

class ResponseReader {
 public:
  explicit ResponseReader(const HttpLimits& limits);
  ~ResponseReader();

  enum class State { kMore, kDone, kEnded };  // kEnded: the sink wants no more
  // Takes bytes; tells the sink what they hold. kIo: they are no HTTP; kResourceExhausted: more
  // than the limits allow.
  Result<State> Take(std::string_view bytes, const HttpSink& sink);
  // The peer has closed the connection.
  Result<State> TakeEnd();

  const HttpHead& head() const;
  bool has_head() const;
  // Whether the connection may be used again after this response.
  bool keep_alive() const;

 private:
  class Parser;
  const std::unique_ptr<Parser> parser_;
};

}  // namespace hearth::net
