// Workers: threads for calls that take long, made when they are first needed.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hearth::mcp {

// Thread-safe.
class Workers {
 public:
  Workers(size_t threads, size_t max_waiting) : most_(threads), max_waiting_(max_waiting) {}
  // Runs what was submitted to its end.
  ~Workers();

  // False where too much is waiting already, or Stop was called.
  bool Submit(std::function<void()> job);
  // Takes no more; true when everything has ended within the time.
  bool Stop(std::chrono::milliseconds grace);
  // Whether anything was ever submitted.
  bool used() const { return used_; }

 private:
  void Work();

  const size_t most_;
  const size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  size_t idle_ = 0;
  size_t busy_ = 0;
  bool stopped_ = false;
  std::atomic<bool> used_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hearth::mcp
