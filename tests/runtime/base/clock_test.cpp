#include "runtime/base/clock.h"

#include <catch2/catch.hpp>

namespace hearth {
namespace {

using std::chrono::seconds;

TEST_CASE("the fake clock moves only when told") {
  FakeClock clock(TimePoint(seconds(100)));
  const auto start = clock.Monotonic();
  CHECK(clock.Now() == TimePoint(seconds(100)));
  clock.Advance(seconds(5));
  CHECK(clock.Now() == TimePoint(seconds(105)));
  CHECK(clock.Monotonic() - start == seconds(5));
  clock.SetNow(TimePoint(seconds(1)));
  CHECK(clock.Now() == TimePoint(seconds(1)));
  CHECK(clock.Monotonic() - start == seconds(5));
}

TEST_CASE("the system clock is the system's") {
  const SystemClock clock;
  const auto before = std::chrono::system_clock::now();
  const auto now = clock.Now();
  CHECK(now >= before - seconds(1));
  CHECK(now <= std::chrono::system_clock::now() + seconds(1));
  const auto first = clock.Monotonic();
  CHECK(clock.Monotonic() >= first);
}

}  // namespace
}  // namespace hearth
