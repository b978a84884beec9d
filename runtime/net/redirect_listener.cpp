#include "runtime/net/redirect_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "runtime/net/wire/wait.h"

namespace hearth::net {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kMostHead = 16 << 10;
constexpr std::chrono::seconds kHeadTime{5};

// The head of a request, as far as the first line is whole; empty where nothing sensible comes.
std::string ReadFirstLine(int fd, const Wait& wait) {
  std::string head;
  std::array<char, 2048> buffer;
  while (head.size() < kMostHead && head.find("\r\n\r\n") == std::string::npos) {
    if (!wait.For(fd, POLLIN).ok()) return {};
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count <= 0) return {};
    head.append(buffer.data(), static_cast<size_t>(count));
  }
  return head.substr(0, head.find("\r\n"));
}

void Answer(int fd, std::string_view status, std::string_view text) {
  const std::string page =
      Concat("<!doctype html><meta charset=utf-8><title>hearth</title><p>", text);
  const std::string answer =
      Concat("HTTP/1.1 ", status,
             "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: ", page.size(),
             "\r\nConnection: close\r\n\r\n", page);
  [[maybe_unused]] const ssize_t sent =
      ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(fd, SHUT_WR);
}

}  // namespace

Result<std::unique_ptr<RedirectListener>> RedirectListener::Open(uint16_t port) {
  const auto fail = [&](const char* what) {
    return MakeError(ErrorCode::kIo, "127.0.0.1:", port, ": ", what, ": ", std::strerror(errno));
  };
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail("no socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, any, size) != 0 || ::listen(fd, 8) != 0 || ::getsockname(fd, any, &size) != 0) {
    const Error error = fail("cannot be listened on");
    ::close(fd);
    return error;
  }
  return std::unique_ptr<RedirectListener>(new RedirectListener(fd, ntohs(address.sin_port)));
}

RedirectListener::~RedirectListener() { ::close(fd_); }

Result<std::string> RedirectListener::Wait(const std::string& path,
                                           std::chrono::milliseconds patience,
                                           std::stop_token stop) {
  const StopDescriptor stop_descriptor(std::move(stop));
  const net::Wait wait{SteadyClock::now() + patience, stop_descriptor};
  for (;;) {
    HEARTH_CHECK_OK(wait.For(fd_, POLLIN));
    const int peer = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) continue;
    const net::Wait head_wait{std::min(wait.deadline, SteadyClock::now() + kHeadTime),
                              stop_descriptor};
    const std::string line = ReadFirstLine(peer, head_wait);
    const std::string wanted = "GET " + path + "?";
    const bool is_it = line.starts_with(wanted);
    if (is_it) {
      Answer(peer, "200 OK", "Thank you. You can close this page and go back to the terminal.");
    } else {
      Answer(peer, "404 Not Found", "There is nothing here.");
    }
    ::close(peer);
    if (is_it) return line.substr(wanted.size(), line.rfind(' ') - wanted.size());
  }
}

}  // namespace hearth::net
