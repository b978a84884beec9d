// Clock: where every room gets the time from, so that a test or an eval can fix it.
#pragma once

#include <chrono>
#include <mutex>

namespace hearth {

// Microseconds since 1970-01-01T00:00:00 UTC: what the store keeps, without loss.
using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;
using MonotonicPoint = std::chrono::steady_clock::time_point;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // The wall clock: for people and for the store. It may jump.
  virtual TimePoint Now() const = 0;
  // Never goes back: for deadlines and durations.
  virtual MonotonicPoint Monotonic() const = 0;
};

class SystemClock : public Clock {
 public:
  TimePoint Now() const override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  MonotonicPoint Monotonic() const override { return std::chrono::steady_clock::now(); }
};

// Stands still until it is told to move.
class FakeClock : public Clock {
 public:
  explicit FakeClock(TimePoint now = {}) : now_(now) {}
  TimePoint Now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  MonotonicPoint Monotonic() const override {
    const std::lock_guard lock(mutex_);
    return monotonic_;
  }
  void Advance(std::chrono::microseconds by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
    monotonic_ += by;
  }
  // Moves the wall clock alone, as a person or NTP does.
  void SetNow(TimePoint now) {
    const std::lock_guard lock(mutex_);
    now_ = now;
  }

 private:
  mutable std::mutex mutex_;
  TimePoint now_;
  MonotonicPoint monotonic_{};
};

}  // namespace hearth
