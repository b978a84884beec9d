#include "mcp/transport/output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace hearth::mcp {
namespace {

constexpr size_t kKeptBytes = 256 << 10;  // what an idle buffer keeps

constexpr size_t kUsualPipe = 64 << 10;

}  // namespace

void WidenPipe(int fd) { ::fcntl(fd, F_SETPIPE_SZ, 1 << 20); }

Output::Output(int fd) : fd_(fd) {
  struct stat info = {};
  if (::fstat(fd, &info) != 0) return;
  socket_ = S_ISSOCK(info.st_mode);
  if (socket_ || S_ISREG(info.st_mode)) return;
  if (S_ISFIFO(info.st_mode)) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    const int again = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (again >= 0) {
      fd_ = again;
      own_ = true;
      return;
    }
  }
  waits_ = true;
}

Output::~Output() {
  if (own_) ::close(fd_);
}

void Output::Add(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (broken_) return;
  // A large line that need not wait is written from where it lies.
  if (line.size() > kUsualPipe && buffer_.empty() && !waits_) {
    Widen();
    const long count = Write(line.data(), line.size());
    if (count < 0) {
      broken_ = true;
      return;
    }
    line.remove_prefix(static_cast<size_t>(count));
  }
  buffer_ += line;
  buffer_ += '\n';
}

void Output::Widen() {
  if (!std::exchange(wide_, true)) WidenPipe(fd_);
}

long Output::Write(const char* data, size_t size) const {
  for (;;) {
    ssize_t count = 0;
    if (socket_) {
      count = ::send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (waits_) {
      pollfd poll = {.fd = fd_, .events = POLLOUT, .revents = 0};
      if (::poll(&poll, 1, 0) == 0) return 0;
      count = ::write(fd_, data, std::min<size_t>(size, 4096));
    } else {
      count = ::write(fd_, data, size);
    }
    if (count >= 0) return static_cast<long>(count);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return -1;
  }
}

bool Output::Flush() {
  const std::lock_guard lock(mutex_);
  if (buffer_.size() > kUsualPipe) Widen();
  while (!broken_ && written_ != buffer_.size()) {
    const long count = Write(buffer_.data() + written_, buffer_.size() - written_);
    if (count == 0) return true;
    if (count < 0) {
      broken_ = true;
      break;
    }
    written_ += static_cast<size_t>(count);
  }
  written_ = 0;
  buffer_.clear();
  if (buffer_.capacity() > kKeptBytes) buffer_.shrink_to_fit();
  return !broken_;
}

size_t Output::pending() const {
  const std::lock_guard lock(mutex_);
  return buffer_.size() - written_;
}

bool Output::broken() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

}  // namespace hearth::mcp
