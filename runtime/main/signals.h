// StopOnSignal: SIGINT and SIGTERM as a stop request; a second one ends the process at once.
#pragma once

#include <stop_token>
#include <thread>

namespace hearth::main {

// Make it before other threads start: they inherit the blocked signals, and one thread waits for
// them.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread waiter_;
};

}  // namespace hearth::main
