#include "model/backend/cpu/lanes.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <string>

namespace hearth::model::cpu {
namespace {

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Spins until value differs from old, then parks on it.
void AwaitChange(std::atomic<uint32_t>& value, uint32_t old) {
  constexpr auto kSpin = std::chrono::microseconds(20);
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 64; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      Pause();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

std::vector<int> AllowedProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> allowed;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return {0};
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) allowed.push_back(i);
  }
  return allowed;
}

void PinThisThread(int lane) {
  const std::vector<int> allowed = AllowedProcessors();
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(allowed[static_cast<size_t>(lane) % allowed.size()], &set);
  // Best effort: an unpinned lane is slower, not wrong.
  (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

}  // namespace

void Barrier::Wait() {
  const uint32_t generation = generation_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == lanes_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    generation_.store(generation + 1, std::memory_order_release);
    generation_.notify_all();
  } else {
    AwaitChange(generation_, generation);
  }
}

Lanes::Lanes(int count, bool pin) : count_(count), barrier_(count) {
  for (int lane = 1; lane < count_; ++lane) {
    threads_.emplace_back([this, lane, pin] {
      if (pin) PinThisThread(lane);
      Work(lane);
    });
  }
  if (pin) PinThisThread(0);
}

Lanes::~Lanes() {
  stopping_.store(true, std::memory_order_relaxed);
  start_.fetch_add(1, std::memory_order_release);
  start_.notify_all();
}

void Lanes::Run(const std::function<void(int)>& body) {
  if (count_ > 1) {
    body_ = &body;
    start_.fetch_add(1, std::memory_order_release);
    start_.notify_all();
  }
  body(0);
  Sync();
}

void Lanes::Work(int lane) {
  uint32_t seen = 0;
  while (true) {
    AwaitChange(start_, seen);
    if (stopping_.load(std::memory_order_relaxed)) return;
    ++seen;
    (*body_)(lane);
    Sync();
  }
}

int Lanes::PhysicalCores() {
  const std::vector<int> allowed = AllowedProcessors();
  std::set<std::string> cores;
  for (int cpu : allowed) {
    std::ifstream siblings("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                           "/topology/thread_siblings_list");
    std::string line;
    if (!std::getline(siblings, line)) line = std::to_string(cpu);
    cores.insert(line);
  }
  return std::max<int>(1, static_cast<int>(cores.size()));
}

}  // namespace hearth::model::cpu
