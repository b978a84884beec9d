#include "mcp/stdio.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>

#include "mcp/server/server_state.h"
#include "mcp/server_session.h"
#include "mcp/transport/line_buffer.h"
#include "mcp/transport/output.h"

namespace hearth::mcp {
namespace {

// What the reader's thread answers is written by the reader's thread, all at once; what workers
// say wakes it up.
class StdioChannel : public Channel {
 public:
  StdioChannel(int fd, std::thread::id reader)
      : output_(fd), reader_(reader), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~StdioChannel() override { ::close(wake_); }

  void Send(std::string_view message) override { Add(message); }
  void Finish(std::string_view answer) override {
    if (!answer.empty()) Add(answer);
  }
  Output& output() { return output_; }
  int wake_fd() const { return wake_; }
  void TakeWake() const {
    uint64_t count = 0;
    (void)!::read(wake_, &count, sizeof(count));
  }

 private:
  void Add(std::string_view line) {
    output_.Add(line);
    if (std::this_thread::get_id() == reader_) return;
    const uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof(one));
  }

  Output output_;
  const std::thread::id reader_;
  const int wake_;
};

class Loop {
 public:
  Loop(Server& server, const StdioOptions& options)
      : server_(server),
        options_(options),
        channel_(std::make_shared<StdioChannel>(options.out, std::this_thread::get_id())),
        session_(server, channel_, {}),
        lines_(server.state().limits.max_message_bytes) {}

  bool Run() {
    while (!at_end_ && !channel_->output().broken()) {
      if (!MayBlock()) WaitForEvents();
      if (may_read_) ReadSome();
      channel_->output().Flush();
    }
    return WindUp();
  }

 private:
  // As long as nobody but the host can have news for us, a read alone may wait for them.
  bool MayBlock() {
    may_read_ = true;
    return !watching_ && !server_.state().workers.used() && channel_->output().pending() == 0;
  }

  void WaitForEvents() {
    const bool full = channel_->output().pending() > options_.max_pending_bytes;
    pollfd polls[3] = {{.fd = full ? -1 : options_.in, .events = POLLIN, .revents = 0},
                       {.fd = channel_->wake_fd(), .events = POLLIN, .revents = 0},
                       {.fd = channel_->output().pending() != 0 ? channel_->output().fd() : -1,
                        .events = POLLOUT,
                        .revents = 0}};
    const int timeout = watching_ ? static_cast<int>(options_.look_every.count()) : -1;
    const int ready = ::poll(polls, 3, timeout);
    if (ready == 0) Look();
    if (polls[1].revents != 0) channel_->TakeWake();
    may_read_ = ready > 0 && polls[0].revents != 0;
    if ((polls[2].revents & (POLLERR | POLLHUP)) != 0) channel_->output().Flush();
  }

  void Look() { watching_ = server_.LookForChanges(); }

  void ReadSome() {
    constexpr size_t kAtLeast = 64 << 10;
    char* to = lines_.Prepare(kAtLeast);
    const ssize_t count = ::read(options_.in, to, lines_.room());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count <= 0) {
      at_end_ = true;
      return;
    }
    lines_.Commit(static_cast<size_t>(count));
    if (!wide_ && lines_.begun() >= kAtLeast) {
      wide_ = true;
      WidenPipe(options_.in);
    }
    std::string_view line;
    for (;;) {
      const LineBuffer::Kind kind = lines_.Next(line);
      if (kind == LineBuffer::Kind::kNone) break;
      if (kind == LineBuffer::Kind::kTooLong) {
        session_.ReceiveTooLong(server_.state().limits.max_message_bytes, channel_);
      } else if (!line.empty()) {
        session_.Receive(line, channel_);
      }
      // A flood is answered while it comes in, not at its end.
      if (channel_->output().pending() > options_.max_pending_bytes) WaitForRoom();
    }
    if (!watching_) watching_ = server_.AnybodyWatches();
  }

  void WaitForRoom() {
    while (channel_->output().Flush() &&
           channel_->output().pending() > options_.max_pending_bytes) {
      pollfd out = {.fd = channel_->output().fd(), .events = POLLOUT, .revents = 0};
      ::poll(&out, 1, -1);
    }
  }

  // The host has said all that it will say: what runs may end, then the process does.
  bool WindUp() {
    const auto deadline = std::chrono::steady_clock::now() + options_.grace;
    const auto left = [&] {
      return std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
    };
    while (session_.running() != 0 && !channel_->output().broken() && left().count() > 0) {
      pollfd wake = {.fd = channel_->wake_fd(), .events = POLLIN, .revents = 0};
      if (::poll(&wake, 1, static_cast<int>(left().count())) > 0) channel_->TakeWake();
      channel_->output().Flush();
    }
    session_.Close();
    while (channel_->output().Flush() && channel_->output().pending() != 0 && left().count() > 0) {
      pollfd out = {.fd = channel_->output().fd(), .events = POLLOUT, .revents = 0};
      ::poll(&out, 1, static_cast<int>(left().count()));
    }
    return !channel_->output().broken() && channel_->output().pending() == 0;
  }

  Server& server_;
  const StdioOptions options_;
  const std::shared_ptr<StdioChannel> channel_;
  ServerSession session_;
  LineBuffer lines_;
  bool at_end_ = false;
  bool may_read_ = true;
  bool watching_ = false;
  bool wide_ = false;  // the pipe from the host was widened
};

pid_t host_pid = 0;

void ExitNow(int) { ::_exit(0); }

// The kernel sends the parent-death signal when the parent's thread ends too; only another parent
// means that the host has died.
void ExitIfOrphan(int) {
  if (::getppid() != host_pid) ::_exit(0);
}

}  // namespace

bool ServeStdio(Server& server, const StdioOptions& options) { return Loop(server, options).Run(); }

int TakeStdout() {
  const int out = ::fcntl(1, F_DUPFD_CLOEXEC, 3);
  if (out < 0) return 1;
  ::dup2(2, 1);
  return out;
}

void EndWithHost() {
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
  action.sa_handler = ExitNow;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaction(signal, &action, nullptr);
  host_pid = ::getppid();
  action.sa_handler = ExitIfOrphan;
  ::sigaction(SIGUSR2, &action, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGUSR2);
  ExitIfOrphan(0);
}

}  // namespace hearth::mcp
