#include "model/backend/cpu/lanes.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>
#include <vector>

namespace hearth::model::cpu {
namespace {

TEST_CASE("every lane runs the body once, and Run returns after all") {
  for (int count = 1; count <= 4; ++count) {
    Lanes lanes(count, false);
    CHECK(lanes.count() == count);
    std::vector<int> runs(static_cast<size_t>(count));
    for (int i = 1; i <= 500; ++i) {
      lanes.Run([&](int lane) { ++runs[static_cast<size_t>(lane)]; });
      for (const int n : runs) REQUIRE(n == i);
    }
  }
}

// Plain memory, no atomics: where a barrier lets a lane through too early the values are wrong, and
// ThreadSanitizer sees it.
TEST_CASE("what a lane wrote before Sync the others read behind it") {
  for (int count = 1; count <= 4; ++count) {
    Lanes lanes(count, false);
    const auto n = static_cast<size_t>(count);
    std::vector<int> values(n, 0);
    std::vector<int> wrong(n, 0);
    for (int run = 0; run < 50; ++run) {
      lanes.Run([&](int lane) {
        const auto mine = static_cast<size_t>(lane);
        for (int step = 0; step < 20; ++step) {
          const int written = run * 100 + step;
          values[mine] = written;
          lanes.Sync();
          for (const int value : values) wrong[mine] += value != written;
          lanes.Sync();
        }
      });
    }
    for (const int w : wrong) CHECK(w == 0);
  }
}

TEST_CASE("lanes that have parked wake up again") {
  Lanes lanes(3, false);
  std::vector<int> runs(3);
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    lanes.Run([&](int lane) {
      // A late lane makes the others park at the barrier.
      if (lane == i % 3) std::this_thread::sleep_for(std::chrono::microseconds(300));
      lanes.Sync();
      ++runs[static_cast<size_t>(lane)];
    });
  }
  CHECK(runs == std::vector<int>{20, 20, 20});
}

TEST_CASE("lanes end when they were never used") {
  for (int i = 0; i < 50; ++i) const Lanes lanes(4, false);
  CHECK(Lanes::PhysicalCores() >= 1);
}

}  // namespace
}  // namespace hearth::model::cpu
