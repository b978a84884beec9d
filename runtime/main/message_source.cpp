#include "runtime/main/message_source.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "runtime/base/unicode.h"

namespace hearth::main {
namespace {

bool IsBlank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// Appends what can be read at once; false at the end of the input.
bool ReadSome(std::string& text) {
  char piece[4096];
  ssize_t n;
  do {
    n = read(STDIN_FILENO, piece, sizeof piece);
  } while (n < 0 && errno == EINTR);
  if (n > 0) text.append(piece, static_cast<size_t>(n));
  return n > 0;
}

// Waits until there is input; false where the stop comes first.
bool WaitForInput(const std::stop_token& stop) {
  const int wakeup = eventfd(0, EFD_CLOEXEC);
  if (wakeup < 0) return !stop.stop_requested();
  {
    const std::stop_callback wake(stop, [wakeup] {
      const uint64_t one = 1;
      (void)!write(wakeup, &one, sizeof one);
    });
    pollfd waits[] = {{STDIN_FILENO, POLLIN, 0}, {wakeup, POLLIN, 0}};
    while (poll(waits, 2, -1) < 0 && errno == EINTR) {
    }
  }
  close(wakeup);
  return !stop.stop_requested();
}

}  // namespace

MessageSource::MessageSource(std::string given, std::stop_token stop)
    : interactive_(given.empty() && isatty(STDIN_FILENO) != 0), stop_(std::move(stop)) {
  if (interactive_) return;
  only_ = std::move(given);
  if (!only_->empty()) return;
  while (WaitForInput(stop_) && ReadSome(*only_)) {
  }
}

Status MessageSource::Check() const {
  if (interactive_ || stop_.stop_requested()) return {};
  if (IsBlank(*only_)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "there is nothing to do; try: hearth run \"Remind me to water the plants\"");
  }
  if (IsUtf8(*only_)) return {};
  return MakeError(ErrorCode::kInvalidArgument,
                   "the message is not valid UTF-8; convert it, for example with: iconv -t utf-8");
}

std::optional<std::string> MessageSource::Next() {
  if (stop_.stop_requested()) return std::nullopt;
  if (!interactive_) return std::exchange(only_, std::nullopt);
  while (true) {
    std::fputs("> ", stderr);
    auto line = ReadLine();
    if (!line) return line;
    if (!IsUtf8(*line)) {
      std::fputs("That line is not valid UTF-8 and was passed over.\n", stderr);
    } else if (!IsBlank(*line)) {
      return line;
    }
  }
}

std::optional<std::string> MessageSource::ReadLine() {
  size_t end;
  while ((end = typed_.find('\n')) == std::string::npos) {
    if (!WaitForInput(stop_)) return std::nullopt;
    if (ReadSome(typed_)) continue;
    if (typed_.empty()) return std::nullopt;
    return std::exchange(typed_, "");
  }
  std::string line = typed_.substr(0, end);
  typed_.erase(0, end + 1);
  return line;
}

}  // namespace hearth::main
