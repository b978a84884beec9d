// RawServer: a web server that says exactly what a test wants it to say, byte by byte.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hearth {

// One connection, as the server sees it.
class RawPeer {
 public:
  explicit RawPeer(int fd) : fd_(fd) {}
  int fd() const { return fd_; }

  // A request with its body; empty where the peer has gone.
  std::string ReadRequest() {
    for (;;) {
      const size_t head = kept_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const size_t length = kept_.find("Content-Length: ");
        const size_t body =
            length < head ? static_cast<size_t>(std::atol(kept_.c_str() + length + 16)) : 0;
        if (kept_.size() >= head + 4 + body) {
          std::string request = kept_.substr(0, head + 4 + body);
          kept_.erase(0, request.size());
          return request;
        }
      }
      char buffer[4096];
      const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
      if (count <= 0) return {};
      kept_.append(buffer, static_cast<size_t>(count));
    }
  }
  // False where the peer has gone.
  bool Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }
  void WriteJson(std::string_view body, std::string_view status = "200 OK",
                 std::string_view headers = "") {
    Write("HTTP/1.1 " + std::string(status) + "\r\nContent-Type: application/json\r\n" +
          std::string(headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
          std::string(body));
  }
  // Until the peer goes.
  void WaitForEnd() {
    char byte = 0;
    while (::recv(fd_, &byte, 1, 0) > 0) {
    }
  }

 private:
  const int fd_;
  std::string kept_;
};

class RawServer {
 public:
  // `serve` is called for each connection, on a thread of its own; then the connection is closed.
  explicit RawServer(std::function<void(RawPeer&)> serve) : serve_(std::move(serve)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd_, any, size) != 0 || ::listen(fd_, 64) != 0 ||
        ::getsockname(fd_, any, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~RawServer() {
    ::shutdown(fd_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int peer : peers_) ::shutdown(peer, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
    for (const int peer : peers_) ::close(peer);
    ::close(fd_);
  }

  uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int connections() const { return connections_; }

 private:
  void Accept() {
    for (;;) {
      const int peer = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      ++connections_;
      const std::lock_guard lock(mutex_);
      peers_.push_back(peer);
      threads_.emplace_back([this, peer] {
        RawPeer one(peer);
        serve_(one);
        ::shutdown(peer, SHUT_RDWR);
      });
    }
  }

  const std::function<void(RawPeer&)> serve_;
  int fd_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::vector<int> peers_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace hearth
