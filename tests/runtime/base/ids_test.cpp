#include "runtime/base/ids.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "runtime/base/time_format.h"

namespace hearth {
namespace {

TEST_CASE("ids are UUIDv7: unique, and sorted by their millisecond") {
  const TimePoint now = *ParseRfc3339("2026-11-21T12:00:00.5Z");
  const std::string id = NewId(now);
  REQUIRE(id.size() == 36);
  for (const size_t dash : {8, 13, 18, 23}) CHECK(id[dash] == '-');
  CHECK(id[14] == '7');
  CHECK(std::string("89ab").find(id[19]) != std::string::npos);
  // The first 48 bits are the time: 1795262400500 ms.
  CHECK(id.substr(0, 13) == "01a1fdfa-47f4");
  CHECK(NewId(now + std::chrono::milliseconds(1)) > id);
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(NewId(now));
  CHECK(seen.size() == 10'000);
}

TEST_CASE("random tokens have the length asked for and do not repeat") {
  CHECK(RandomHex(16).size() == 32);
  CHECK(RandomHex(0).empty());
  CHECK(RandomHex(16) != RandomHex(16));
  CHECK(RandomHex(64).find_first_not_of("0123456789abcdef") == std::string::npos);
}

}  // namespace
}  // namespace hearth
