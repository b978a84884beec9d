#include "runtime/main/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "runtime/main/exit_codes.h"

namespace hearth::main {

StopOnSignal::StopOnSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR1);  // our own destructor's
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter_ = std::jthread([this, set] {
    while (true) {
      int signal = 0;
      sigwait(&set, &signal);
      if (signal == SIGUSR1) return;
      if (source_.stop_requested()) _exit(static_cast<int>(ExitCode::kInterrupted));
      source_.request_stop();
    }
  });
}

StopOnSignal::~StopOnSignal() { pthread_kill(waiter_.native_handle(), SIGUSR1); }

}  // namespace hearth::main
