#include "runtime/base/time_format.h"

#include <date/date.h>
#include <date/tz.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <stdexcept>
#include <vector>

namespace hearth {
namespace {

// Reads exactly `digits` decimal digits from the front of `text`.
bool TakeNumber(std::string_view& text, size_t digits, int& value) {
  if (text.size() < digits) return false;
  const char* end = text.data() + digits;
  if (!std::all_of(text.data(), end, [](char c) { return c >= '0' && c <= '9'; })) return false;
  std::from_chars(text.data(), end, value);
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeDate(std::string_view& text, std::chrono::year_month_day& date) {
  int year = 0, month = 0, day = 0;
  if (!TakeNumber(text, 4, year) || !TakeChar(text, '-') || !TakeNumber(text, 2, month) ||
      !TakeChar(text, '-') || !TakeNumber(text, 2, day)) {
    return false;
  }
  date = std::chrono::year(year) / month / day;
  return date.ok() && year >= 1;
}

// What follows the seconds: decimals (those past microseconds are dropped), then the offset.
bool TakeDecimalsAndOffset(std::string_view& text, std::chrono::microseconds& shift) {
  if (TakeChar(text, '.')) {
    int unit = 100'000;
    int digit = 0;
    bool any = false;
    for (; TakeNumber(text, 1, digit); unit /= 10, any = true) {
      shift += std::chrono::microseconds(digit * unit);
    }
    if (!any) return false;
  }
  if (text.empty() || text == "Z" || text == "z") {
    text = {};
    return true;
  }
  const bool west = text.front() == '-';
  if (!west && text.front() != '+') return false;
  text.remove_prefix(1);
  int hours = 0, minutes = 0;
  if (!TakeNumber(text, 2, hours) || !TakeChar(text, ':') || !TakeNumber(text, 2, minutes)) {
    return false;
  }
  if (hours > 23 || minutes > 59) return false;
  const auto offset = std::chrono::minutes(hours * 60 + minutes);
  shift += west ? offset : -offset;
  return text.empty();
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == ' ') c = '_';
  }
  return lower;
}

// Zones whose name holds what was asked for, those whose city is it first: "tokyo" -> Asia/Tokyo.
std::string ZonesLike(std::string_view asked) {
  constexpr size_t kShown = 5;
  const std::string wanted = Lower(asked.substr(asked.rfind('/') + 1));
  if (wanted.size() < 3) return {};
  std::array<std::vector<std::string>, 2> found;
  for (const auto& zone : date::get_tzdb().zones) {
    const std::string name = Lower(zone.name());
    const size_t at = name.rfind(wanted);
    if (at == std::string::npos) continue;
    const bool city = at + wanted.size() == name.size() && (at == 0 || name[at - 1] == '/');
    found[city ? 0 : 1].push_back(zone.name());
  }
  std::string list;
  size_t shown = 0;
  for (const auto& names : found) {
    for (const auto& name : names) {
      if (shown++ == kShown) return list;
      list += (list.empty() ? "" : ", ") + name;
    }
  }
  return list;
}

}  // namespace

std::string FormatRfc3339(TimePoint time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "T%02d:%02d:%02d",
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string result = FormatDate(std::chrono::year_month_day(day)) + text.data();
  if (const auto micros = clock.subseconds().count(); micros != 0) {
    std::snprintf(text.data(), text.size(), ".%06d", static_cast<int>(micros));
    result += text.data();
    result.resize(result.find_last_not_of('0') + 1);
  }
  return result + "Z";
}

Result<TimePoint> ParseRfc3339(std::string_view text) {
  std::string_view rest = text;
  std::chrono::year_month_day date{};
  int hours = 0, minutes = 0, seconds = 0;
  std::chrono::microseconds shift{};
  const bool well_formed = TakeDate(rest, date) && (TakeChar(rest, 'T') || TakeChar(rest, ' ')) &&
                           TakeNumber(rest, 2, hours) && TakeChar(rest, ':') &&
                           TakeNumber(rest, 2, minutes) && TakeChar(rest, ':') &&
                           TakeNumber(rest, 2, seconds) && TakeDecimalsAndOffset(rest, shift);
  if (!well_formed || hours > 23 || minutes > 59 || seconds > 59) {
    return MakeError(ErrorCode::kInvalidArgument, "'", text.substr(0, 40),
                     "' is no time; write it as 2026-11-21T12:00:00+01:00");
  }
  return TimePoint(std::chrono::sys_days(date)) + std::chrono::hours(hours) +
         std::chrono::minutes(minutes) + std::chrono::seconds(seconds) + shift;
}

Result<std::chrono::year_month_day> ParseDate(std::string_view text) {
  std::string_view rest = text;
  std::chrono::year_month_day date{};
  if (!TakeDate(rest, date) || !rest.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "'", text.substr(0, 40),
                     "' is no date; write an existing day as YYYY-MM-DD, for example 2026-11-21");
  }
  return date;
}

std::string FormatDate(std::chrono::year_month_day date) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

Result<std::string> FormatInZone(TimePoint time, std::string_view zone, const char* format) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  try {
    // UTC needs no database: a machine without tzdata still tells the time.
    if (zone == "UTC") return date::format(format, seconds);
    return date::format(format, date::make_zoned(date::locate_zone(zone), seconds));
  } catch (const std::runtime_error&) {
  }
  std::string like;
  try {
    like = ZonesLike(zone);
  } catch (const std::runtime_error&) {
    return MakeError(ErrorCode::kIo,
                     "this machine has no time zone database, so only UTC is known; ",
                     "install the package tzdata");
  }
  return MakeError(
      ErrorCode::kNotFound, "unknown time zone '", zone.substr(0, 60), "'; ",
      like.empty() ? "use an IANA name such as Europe/Paris or UTC" : "did you mean " + like + "?");
}

}  // namespace hearth
