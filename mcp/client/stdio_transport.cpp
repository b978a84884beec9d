#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <thread>

#include "mcp/client_transport.h"
#include "mcp/transport/line_buffer.h"

namespace hearth::mcp {
namespace {

constexpr size_t kMaxLine = size_t{64} << 20;
constexpr std::chrono::milliseconds kPatience{1500};
constexpr std::chrono::seconds kWriteTime{30};

class StdioTransport : public ClientTransport {
 public:
  explicit StdioTransport(std::unique_ptr<Child> child) : child_(std::move(child)) {
    // A server that is gone is an error of a write, not the end of us.
    std::signal(SIGPIPE, SIG_IGN);
  }
  ~StdioTransport() override { Close(); }

  void Start(Listener listener) override {
    reader_ = std::thread([this, listener = std::move(listener)] {
      Read(listener);
      listener.end();
    });
  }

  Status Send(std::string_view message, const Headers&) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return MakeError(ErrorCode::kIo, "the connection is closed");
    std::string line(message);
    line += '\n';
    std::string_view left = line;
    while (!left.empty()) {
      pollfd poll = {.fd = child_->in(), .events = POLLOUT, .revents = 0};
      const int ready =
          ::poll(&poll, 1, static_cast<int>(std::chrono::milliseconds(kWriteTime).count()));
      if (ready == 0) return MakeError(ErrorCode::kIo, "the server takes no input");
      // A pipe that poll calls writable takes this much without waiting.
      const ssize_t count = ::write(child_->in(), left.data(), std::min<size_t>(left.size(), 4096));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return MakeError(ErrorCode::kIo, "the server has gone");
      left.remove_prefix(static_cast<size_t>(count));
    }
    return {};
  }

  std::string Close() override {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    const std::string how = child_->End(kPatience);
    over_ = true;
    if (reader_.joinable()) reader_.join();
    return how;
  }

  std::string last_words() const override { return child_->last_words(); }

 private:
  void Read(const Listener& listener) {
    LineBuffer lines(kMaxLine);
    for (;;) {
      // A stray process may hold the pipe open after the server's end.
      pollfd poll = {.fd = child_->out(), .events = POLLIN, .revents = 0};
      if (::poll(&poll, 1, 200) == 0) {
        if (over_) return;
        continue;
      }
      char* to = lines.Prepare(64 << 10);
      const ssize_t count = ::read(child_->out(), to, lines.room());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;
      lines.Commit(static_cast<size_t>(count));
      std::string_view line;
      for (;;) {
        const auto kind = lines.Next(line);
        if (kind == LineBuffer::Kind::kNone) break;
        if (kind == LineBuffer::Kind::kTooLong) line = "(too long)";
        if (!line.empty()) listener.message(line);
      }
    }
  }

  const std::unique_ptr<Child> child_;
  std::mutex mutex_;  // of writing
  bool closed_ = false;
  std::atomic<bool> over_ = false;
  std::thread reader_;
};

}  // namespace

TransportFactory StdioTransports(Launcher& launcher, LaunchSpec spec) {
  return [&launcher, spec = std::move(spec)]() -> Result<std::unique_ptr<ClientTransport>> {
    HEARTH_TRY(auto child, launcher.Start(spec));
    return std::unique_ptr<ClientTransport>(std::make_unique<StdioTransport>(std::move(child)));
  };
}

}  // namespace hearth::mcp
