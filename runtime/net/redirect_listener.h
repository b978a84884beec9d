// RedirectListener: waits on 127.0.0.1 for a browser that an authorization page sends back
// (RFC 8252, section 7.3).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "runtime/base/core/result.h"

namespace hearth::net {

class RedirectListener {
 public:
  // Port 0: any free one. kIo where the port is taken.
  static Result<std::unique_ptr<RedirectListener>> Open(uint16_t port = 0);
  ~RedirectListener();

  uint16_t port() const { return port_; }
  // The query of the first GET for `path`; the browser is told that it may be closed. Everything
  // else is answered with 404. kResourceExhausted: nobody came in time; kCancelled.
  Result<std::string> Wait(const std::string& path, std::chrono::milliseconds patience,
                           std::stop_token stop);

 private:
  RedirectListener(int fd, uint16_t port) : fd_(fd), port_(port) {}
  const int fd_;
  const uint16_t port_;
};

}  // namespace hearth::net
