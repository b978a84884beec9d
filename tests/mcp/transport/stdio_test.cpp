#include "mcp/stdio.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>

#include "runtime/base/clock.h"
#include "tests/conformance/fixture.h"

namespace hearth::mcp {
namespace {

using Milliseconds = std::chrono::milliseconds;

// A fixture server on two pipes (or a socket pair, as some hosts use), served by a thread.
class Host {
 public:
  explicit Host(bool sockets = false) {
    signal(SIGPIPE, SIG_IGN);
    int in[2];
    int out[2];
    if (sockets) {
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, in) == 0);
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, out) == 0);
      std::swap(in[0], in[1]);
    } else {
      REQUIRE(::pipe(in) == 0);
      REQUIRE(::pipe(out) == 0);
    }
    server_in_ = in[0];
    to_ = in[1];
    from_ = out[0];
    server_out_ = out[1];
    REQUIRE(fixture::AddTools(server_).ok());
    thread_ = std::thread([this] {
      clean_ = ServeStdio(server_, {.in = server_in_,
                                    .out = server_out_,
                                    .grace = Milliseconds(500),
                                    .look_every = Milliseconds(50)});
      ::close(server_out_);
    });
  }
  ~Host() {
    CloseInput();
    CloseOutput();
    if (thread_.joinable()) thread_.join();
    ::close(server_in_);
  }

  // Reads what comes back meanwhile, as a host that wants no deadlock does.
  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      pollfd polls[2] = {{.fd = to_, .events = POLLOUT, .revents = 0},
                         {.fd = from_, .events = POLLIN, .revents = 0}};
      REQUIRE(::poll(polls, 2, 30'000) > 0);
      if (polls[1].revents != 0) Fill();
      if ((polls[0].revents & POLLOUT) == 0) continue;
      const ssize_t count = ::write(to_, bytes.data(), std::min<size_t>(bytes.size(), 4096));
      REQUIRE(count > 0);
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  // The next line; empty at the end of what the server says.
  std::string Line() {
    size_t end;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      if (!Fill()) return {};
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return line;
  }
  void CloseInput() { Close(to_); }
  void CloseOutput() { Close(from_); }
  bool Join() {
    thread_.join();
    return clean_;
  }

 private:
  static void Close(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  bool Fill() {
    char bytes[65536];
    const ssize_t count = ::read(from_, bytes, sizeof(bytes));
    if (count > 0) buffer_.append(bytes, static_cast<size_t>(count));
    return count > 0;
  }

  SystemClock clock_;
  Server server_{fixture::Info(), clock_};
  int server_in_, server_out_, to_, from_;
  std::string buffer_;
  std::thread thread_;
  bool clean_ = false;
};

std::string Ping(int id) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"ping"})" + "\n";
}
std::string Pong(int id) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"result":{}})";
}
const std::string kInitialize =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}})"
    "\n";
std::string CallTool(int id, const std::string& rest) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"tools/call","params":{)" +
         rest + "}}\n";
}

}  // namespace

TEST_CASE("lines are answered over pipes and over sockets") {
  for (const bool sockets : {false, true}) {
    Host host(sockets);
    host.Send("\n\r\n" + Ping(1) + Ping(2).substr(0, 10));
    CHECK(host.Line() == Pong(1));
    host.Send(Ping(2).substr(10));
    CHECK(host.Line() == Pong(2));
    host.CloseInput();
    CHECK(host.Line().empty());
    CHECK(host.Join());
  }
}

TEST_CASE("a flood is answered to the last line, in order") {
  Host host;
  std::string flood;
  constexpr int kCount = 20'000;
  for (int i = 1; i <= kCount; ++i) flood += Ping(i);
  host.Send(flood);
  host.CloseInput();
  for (int i = 1; i <= kCount; ++i) REQUIRE(host.Line() == Pong(i));
  CHECK(host.Line().empty());
}

TEST_CASE("hostile lines are answered and the next one too") {
  Host host;
  host.Send(std::string(20 << 20, 'x') + "\n" + Ping(1));
  CHECK(host.Line().find("-32600") != std::string::npos);
  CHECK(host.Line() == Pong(1));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "[";
  host.Send(deep + "\n" + Ping(2));
  CHECK(host.Line().find("-32700") != std::string::npos);
  CHECK(host.Line() == Pong(2));
  host.Send(std::string("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xFF\xFE\"}\n") + Ping(3));
  CHECK(host.Line().find("-32700") != std::string::npos);
  CHECK(host.Line() == Pong(3));
  host.Send(std::string("\0\0\0\n", 4) + Ping(4));
  CHECK(host.Line().find("-32700") != std::string::npos);
  CHECK(host.Line() == Pong(4));
}

TEST_CASE("a long call holds up nothing, is cancelled, and is not answered then") {
  Host host;
  host.Send(kInitialize);
  host.Line();
  host.Send(CallTool(1, R"("name":"slow_compute","arguments":{"seconds":60})") + Ping(2));
  CHECK(host.Line() == Pong(2));
  host.Send(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})"
            "\n" +
            Ping(3));
  CHECK(host.Line() == Pong(3));
  host.CloseInput();
  CHECK(host.Line().empty());
}

TEST_CASE("the end of input cancels what runs and ends the server in time") {
  Host host;
  host.Send(kInitialize + CallTool(1, R"("name":"slow_compute","arguments":{"seconds":60})"));
  host.Line();
  const auto start = std::chrono::steady_clock::now();
  host.CloseInput();
  host.Join();
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
}

TEST_CASE("what was asked before the end of input is still answered") {
  Host host;
  host.Send(kInitialize + CallTool(1, R"("name":"test_tool_with_progress")"));
  host.CloseInput();
  host.Line();
  CHECK(host.Line().find("\"id\":1,\"result\"") != std::string::npos);
}

TEST_CASE("a host that reads nothing stops the server's reading, and its death ends it") {
  Host host;
  const std::string line =
      CallTool(1, R"("name":"echo","arguments":{"message":")" + std::string(100'000, 'x') + "\"}");
  host.Send(kInitialize);
  host.Line();
  host.Send(line + line + line);
  host.CloseOutput();
  host.CloseInput();
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(host.Join());
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
}

}  // namespace hearth::mcp
