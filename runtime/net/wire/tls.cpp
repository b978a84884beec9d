#include "runtime/net/wire/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace hearth::net {
namespace {

std::string LastError() {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  if (code == 0) return "the connection broke";
  const char* reason = ::ERR_reason_error_string(code);
  return reason == nullptr ? "TLS error " + std::to_string(code) : reason;
}

bool IsAddress(const std::string& host) {
  std::array<unsigned char, 16> bytes = {};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

class TlsStream : public ByteStream {
 public:
  TlsStream(std::unique_ptr<ByteStream> tcp, SSL* ssl) : tcp_(std::move(tcp)), ssl_(ssl) {}
  ~TlsStream() override {
    // Says goodbye where that needs no waiting.
    ::SSL_shutdown(ssl_);
    ::ERR_clear_error();
    ::SSL_free(ssl_);
  }

  Status Handshake(const Wait& wait) {
    for (;;) {
      ::ERR_clear_error();
      const int done = ::SSL_connect(ssl_);
      if (done == 1) return {};
      const long verdict = ::SSL_get_verify_result(ssl_);
      if (verdict != X509_V_OK) {
        return MakeError(ErrorCode::kIo, "its certificate is not accepted: ",
                         ::X509_verify_cert_error_string(verdict));
      }
      HEARTH_CHECK_OK(Continue(done, wait));
    }
  }

  Result<size_t> Read(char* to, size_t room, const Wait& wait) override {
    for (;;) {
      ::ERR_clear_error();
      const int count = ::SSL_read(ssl_, to, static_cast<int>(std::min<size_t>(room, 1 << 30)));
      if (count > 0) return static_cast<size_t>(count);
      if (::SSL_get_error(ssl_, count) == SSL_ERROR_ZERO_RETURN) return 0;
      HEARTH_CHECK_OK(Continue(count, wait));
    }
  }

  Status Write(std::string_view bytes, const Wait& wait) override {
    while (!bytes.empty()) {
      ::ERR_clear_error();
      const int count = ::SSL_write(ssl_, bytes.data(),
                                    static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20)));
      if (count > 0) {
        bytes.remove_prefix(static_cast<size_t>(count));
      } else {
        HEARTH_CHECK_OK(Continue(count, wait));
      }
    }
    return {};
  }

  bool Stale() const override {
    // Session tickets lie in the socket unread; so only an end or an alert tells.
    if (!tcp_->Stale()) return false;
    char byte = 0;
    ::ERR_clear_error();
    const int count = ::SSL_peek(ssl_, &byte, 1);
    return count > 0 || ::SSL_get_error(ssl_, count) != SSL_ERROR_WANT_READ;
  }

  int fd() const override { return tcp_->fd(); }

 private:
  // Waits for what the step needs, or says why it failed.
  Status Continue(int outcome, const Wait& wait) {
    switch (::SSL_get_error(ssl_, outcome)) {
      case SSL_ERROR_WANT_READ:
        return wait.For(tcp_->fd(), POLLIN);
      case SSL_ERROR_WANT_WRITE:
        return wait.For(tcp_->fd(), POLLOUT);
      default:
        return MakeError(ErrorCode::kIo, LastError());
    }
  }

  const std::unique_ptr<ByteStream> tcp_;
  SSL* const ssl_;
};

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::Create(const std::string& more) {
  // OpenSSL writes to sockets without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* context = ::SSL_CTX_new(::TLS_client_method());
  if (context == nullptr) return MakeError(ErrorCode::kIo, "TLS: ", LastError());
  auto made = std::unique_ptr<TlsContext>(new TlsContext(context));
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_default_verify_paths(context);
  if (!more.empty() && ::SSL_CTX_load_verify_locations(context, more.c_str(), nullptr) != 1) {
    return MakeError(ErrorCode::kIo, more, ": no certificates can be read from it: ", LastError());
  }
  return made;
}

TlsContext::~TlsContext() { ::SSL_CTX_free(context_); }

Result<std::unique_ptr<ByteStream>> TlsContext::Connect(std::unique_ptr<ByteStream> tcp,
                                                        const std::string& host, const Wait& wait) {
  SSL* ssl = ::SSL_new(context_);
  if (ssl == nullptr) return MakeError(ErrorCode::kIo, "TLS: ", LastError());
  const int fd = tcp->fd();
  auto stream = std::make_unique<TlsStream>(std::move(tcp), ssl);
  bool set = ::SSL_set_fd(ssl, fd) == 1;
  if (IsAddress(host)) {
    set &= ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host.c_str()) == 1;
  } else {
    set &= ::SSL_set1_host(ssl, host.c_str()) == 1;
    set &= ::SSL_set_tlsext_host_name(ssl, const_cast<char*>(host.c_str())) == 1;
  }
  if (!set) return MakeError(ErrorCode::kIo, "TLS: ", LastError());
  HEARTH_CHECK_OK(stream->Handshake(wait));
  return std::unique_ptr<ByteStream>(std::move(stream));
}

}  // namespace hearth::net
