// Lanes: the kernel threads of the CPU backend, run in lock step (SPMD) with cheap barriers.
//
// Lane 0 is the caller of Run; the others wait for it. Waiting spins for at most 20 us and then
// parks, so an idle engine costs nothing and a busy one never enters the kernel between steps.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace hearth::model::cpu {

// A barrier for a fixed number of lanes: a count of arrivals and a generation to wait on.
class Barrier {
 public:
  explicit Barrier(int lanes) : lanes_(lanes) {}
  void Wait();

 private:
  const int lanes_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<uint32_t> generation_{0};
};

class Lanes {
 public:
  // pin: lane i stays on the i-th processor that this process may use.
  Lanes(int count, bool pin);
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  int count() const { return count_; }
  // Calls body(lane) on every lane and returns when all are done. Not reentrant.
  void Run(const std::function<void(int)>& body);
  // Inside a Run: returns when every lane has come here.
  void Sync() {
    if (count_ > 1) barrier_.Wait();
  }

  // Physical cores that this process may use.
  static int PhysicalCores();

 private:
  void Work(int lane);

  const int count_;
  Barrier barrier_;
  const std::function<void(int)>* body_ = nullptr;
  alignas(64) std::atomic<uint32_t> start_{0};
  std::atomic<bool> stopping_{false};
  std::vector<std::jthread> threads_;
};

}  // namespace hearth::model::cpu
