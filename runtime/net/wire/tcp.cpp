#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/net/private_address.h"
#include "runtime/net/wire/byte_stream.h"

namespace hearth::net {
namespace {

class TcpStream : public ByteStream {
 public:
  explicit TcpStream(int fd) : fd_(fd) {}
  ~TcpStream() override { ::close(fd_); }

  Result<size_t> Read(char* to, size_t room, const Wait& wait) override {
    for (;;) {
      const ssize_t count = ::recv(fd_, to, room, MSG_DONTWAIT);
      if (count >= 0) return static_cast<size_t>(count);
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return MakeError(ErrorCode::kIo, std::strerror(errno));
      HEARTH_CHECK_OK(wait.For(fd_, POLLIN));
    }
  }

  Status Write(std::string_view bytes, const Wait& wait) override {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count >= 0) {
        bytes.remove_prefix(static_cast<size_t>(count));
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return MakeError(ErrorCode::kIo, std::strerror(errno));
      HEARTH_CHECK_OK(wait.For(fd_, POLLOUT));
    }
    return {};
  }

  bool Stale() const override {
    pollfd poll = {.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, 0) != 0;
  }

  int fd() const override { return fd_; }

 private:
  const int fd_;
};

Result<std::unique_ptr<ByteStream>> ConnectOne(const addrinfo& address, const Wait& wait) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return MakeError(ErrorCode::kIo, std::strerror(errno));
  auto stream = std::make_unique<TcpStream>(fd);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return MakeError(ErrorCode::kIo, std::strerror(errno));
    HEARTH_CHECK_OK(wait.For(fd, POLLOUT));
    int failure = 0;
    socklen_t size = sizeof failure;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure != 0) return MakeError(ErrorCode::kIo, std::strerror(failure));
  }
  return std::unique_ptr<ByteStream>(std::move(stream));
}

}  // namespace

Result<std::unique_ptr<ByteStream>> ConnectTcp(const std::string& host, uint16_t port,
                                               bool public_only, const Wait& wait) {
  const addrinfo hints = {.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV,
                          .ai_family = AF_UNSPEC,
                          .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failure != 0) {
    return MakeError(ErrorCode::kIo, "its name cannot be looked up: ", ::gai_strerror(failure));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
  Error last = MakeError(ErrorCode::kIo, "it has no address");
  for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
    if (public_only && IsPrivateAddress(*one->ai_addr)) {
      last = MakeError(ErrorCode::kUnsupported, "its address is a private one");
      continue;
    }
    auto stream = ConnectOne(*one, wait);
    if (stream.ok()) return stream;
    last = stream.error();
    if (last.code != ErrorCode::kIo) return last;
  }
  return last;
}

}  // namespace hearth::net
