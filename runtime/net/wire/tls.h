// TLS on top of a TCP connection, as a client, by OpenSSL.
#pragma once

#include <memory>
#include <string>

#include "runtime/net/wire/byte_stream.h"

struct ssl_ctx_st;

namespace hearth::net {

// Trust in certificates and the protocol's settings, shared by connections. Thread-safe. Made when
// the first https address is asked for: a process that asks for none pays nothing.
class TlsContext {
 public:
  // The system's certificates (or those that SSL_CERT_FILE and SSL_CERT_DIR name), and those in the
  // PEM file `more` where it is named.
  static Result<std::unique_ptr<TlsContext>> Create(const std::string& more);
  ~TlsContext();
  // Shakes hands. The certificate must be trusted and made out to the host; TLS 1.2 at least.
  Result<std::unique_ptr<ByteStream>> Connect(std::unique_ptr<ByteStream> tcp,
                                              const std::string& host, const Wait& wait);

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* const context_;
};

}  // namespace hearth::net
