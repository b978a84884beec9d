#include "runtime/net/wire/wait.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace hearth::net {

void StopDescriptor::Raise::operator()() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd, &one, sizeof one);
}

StopDescriptor::StopDescriptor(std::stop_token stop)
    : owner_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      callback_(std::move(stop), Raise{owner_.fd}) {}

StopDescriptor::Owner::~Owner() { ::close(fd); }

Status Wait::For(int fd, short events) const {
  using std::chrono::milliseconds;
  constexpr milliseconds kLongest{60'000};
  pollfd polls[2] = {{.fd = fd, .events = events, .revents = 0},
                     {.fd = stop.fd(), .events = POLLIN, .revents = 0}};
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto patience = std::clamp(left, milliseconds(0), kLongest);
    const int ready = ::poll(polls, 2, static_cast<int>(patience.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return MakeError(ErrorCode::kIo, "poll: ", std::strerror(errno));
    if (polls[1].revents != 0) return MakeError(ErrorCode::kCancelled, "cancelled");
    if (polls[0].revents != 0) return {};
    if (left <= milliseconds(0))
      return MakeError(ErrorCode::kResourceExhausted, "it took too long");
  }
}

}  // namespace hearth::net
