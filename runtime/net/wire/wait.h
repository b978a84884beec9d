// Wait: how long a step of an exchange may take, and how it is interrupted.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>

#include "runtime/base/core/result.h"

namespace hearth::net {

using SteadyPoint = std::chrono::steady_clock::time_point;

// Becomes readable when the token is stopped, so that a wait for a descriptor ends at once.
class StopDescriptor {
 public:
  explicit StopDescriptor(std::stop_token stop);
  StopDescriptor(const StopDescriptor&) = delete;
  StopDescriptor& operator=(const StopDescriptor&) = delete;
  int fd() const { return owner_.fd; }

 private:
  struct Owner {
    ~Owner();
    const int fd;
  };
  struct Raise {
    int fd;
    void operator()() const;
  };
  const Owner owner_;
  std::stop_callback<Raise> callback_;  // goes before the descriptor does
};

struct Wait {
  SteadyPoint deadline;
  const StopDescriptor& stop;

  // Until the descriptor is ready for `events` (POLLIN, POLLOUT). kResourceExhausted: too late;
  // kCancelled: stopped.
  Status For(int fd, short events) const;
};

}  // namespace hearth::net
