// Dates and times as text: RFC 3339 instants, calendar dates, and wall-clock time in an IANA zone.
//
// Zones come from the operating system's database (Debian package tzdata). Every function is
// thread-safe; the first use of a zone reads the database (tens of milliseconds).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"

namespace hearth {

// "2026-11-21T12:00:00Z", with as many decimals of a second as the instant needs.
std::string FormatRfc3339(TimePoint time);

// Accepts "2026-11-21T12:00:00", with decimals and with "Z" or "+02:00" behind it; without an
// offset it is UTC.
Result<TimePoint> ParseRfc3339(std::string_view text);

// A date that exists, as "2026-11-21" and in no other form; years 0001 to 9999.
Result<std::chrono::year_month_day> ParseDate(std::string_view text);
std::string FormatDate(std::chrono::year_month_day date);

// The instant as a clock in `zone` ("Europe/Paris", "UTC") shows it; `format` is strftime's, in the
// C locale. An unknown zone is kNotFound and names zones that look like what was meant.
Result<std::string> FormatInZone(TimePoint time, std::string_view zone,
                                 const char* format = "%A %Y-%m-%d %H:%M %Z");

}  // namespace hearth
