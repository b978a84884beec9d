#include "runtime/base/time_format.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace hearth {
namespace {

using std::chrono::microseconds;

TEST_CASE("instants are written and read as RFC 3339") {
  struct Case {
    std::string text, utc;
  };
  const std::vector<Case> cases = {
      {"2026-11-21T12:00:00Z", "2026-11-21T12:00:00Z"},
      {"2026-11-21T12:00:00", "2026-11-21T12:00:00Z"},
      {"2026-11-21 12:00:00+01:30", "2026-11-21T10:30:00Z"},
      {"2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"},
      {"2024-02-29T23:59:59.25-08:00", "2024-03-01T07:59:59.25Z"},
      {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
      {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
      {"2026-11-21T12:00:00.1234567Z", "2026-11-21T12:00:00.123456Z"},
  };
  for (const auto& c : cases) {
    INFO(c.text);
    const auto time = ParseRfc3339(c.text);
    REQUIRE(time.ok());
    CHECK(FormatRfc3339(*time) == c.utc);
    CHECK(*ParseRfc3339(c.utc) == *time);
  }
  for (const char* text : {"", "now", "2026-02-29T00:00:00Z", "2026-11-21", "2026-11-21T24:00:00Z",
                           "2026-11-21T12:60:00Z", "2026-11-21T12:00:00+1:00",
                           "2026-11-21T12:00:00.Z", "2026-11-21T12:00:00Zx", "0000-01-01T00:00:00Z",
                           "2026-11-21T12:00:00+24:00", "20261-1-21T12:00:00Z"}) {
    INFO(text);
    CHECK_FALSE(ParseRfc3339(text).ok());
  }
}

TEST_CASE("only dates that exist are dates") {
  for (const char* text : {"2026-11-21", "2024-02-29", "0001-01-01", "9999-12-31"}) {
    const auto date = ParseDate(text);
    REQUIRE(date.ok());
    CHECK(FormatDate(*date) == text);
  }
  for (const char* text : {"", "tomorrow", "2026-2-3", "2026-02-30", "2026-13-01", "0000-01-01",
                           "21.11.2026", "2026-11-21T00:00:00", " 2026-11-21", "+026-11-21"}) {
    INFO(text);
    const auto date = ParseDate(text);
    REQUIRE_FALSE(date.ok());
    CHECK(date.error().message.find("YYYY-MM-DD") != std::string::npos);
  }
}

TEST_CASE("an instant is shown as a clock in its zone shows it") {
  struct Case {
    std::string time, zone, shown;
  };
  // Both sides of a change of daylight saving time, a zone without abbreviation, a half-hour zone.
  const std::vector<Case> cases = {
      {"2026-03-23T09:00:00Z", "UTC", "Monday 2026-03-23 09:00 UTC"},
      {"2026-03-29T00:59:59Z", "Europe/Paris", "Sunday 2026-03-29 01:59 CET"},
      {"2026-03-29T01:00:00Z", "Europe/Paris", "Sunday 2026-03-29 03:00 CEST"},
      {"2026-11-01T05:30:00Z", "America/New_York", "Sunday 2026-11-01 01:30 EDT"},
      {"2026-11-01T06:30:00Z", "America/New_York", "Sunday 2026-11-01 01:30 EST"},
      {"2026-06-30T23:00:00Z", "Asia/Kolkata", "Wednesday 2026-07-01 04:30 IST"},
      {"2026-06-30T23:00:00Z", "America/Sao_Paulo", "Tuesday 2026-06-30 20:00 -03"},
      {"2026-12-31T18:15:00Z", "Pacific/Auckland", "Friday 2027-01-01 07:15 NZDT"},
  };
  for (const auto& c : cases) {
    INFO(c.zone);
    const auto shown = FormatInZone(*ParseRfc3339(c.time), c.zone);
    REQUIRE(shown.ok());
    CHECK(*shown == c.shown);
  }
}

TEST_CASE("an unknown zone is answered with what may have been meant") {
  struct Case {
    std::string zone, advice;
  };
  const std::vector<Case> cases = {
      {"Tokyo", "Asia/Tokyo"},        {"new york", "America/New_York"},
      {"Europe/tokyo", "Asia/Tokyo"}, {"Mars/Olympus", "Europe/Paris or UTC"},
      {"", "Europe/Paris or UTC"},    {"../../etc/passwd", "Europe/Paris or UTC"},
  };
  for (const auto& c : cases) {
    INFO(c.zone);
    const auto shown = FormatInZone({}, c.zone);
    REQUIRE_FALSE(shown.ok());
    CHECK(shown.error().code == ErrorCode::kNotFound);
    CHECK(shown.error().message.find(c.advice) != std::string::npos);
  }
}

}  // namespace
}  // namespace hearth
