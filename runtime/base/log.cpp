#include "runtime/base/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/redact.h"
#include "runtime/base/time_format.h"

namespace hearth {
namespace {

struct LevelName {
  const char* option;
  const char* label;
};
constexpr std::array<LevelName, 5> kLevels = {
    {{"debug", "DEBUG"}, {"info", "INFO "}, {"warn", "WARN "}, {"error", "ERROR"}, {"off", ""}}};

LogLevel LevelFromEnvironment() {
  const char* wanted = std::getenv("HEARTH_LOG");
  if (wanted == nullptr) return LogLevel::kInfo;
  if (const auto level = ParseLogLevel(wanted)) return *level;
  std::fprintf(stderr, "HEARTH_LOG is none of debug, info, warn, error, off; using info\n");
  return LogLevel::kInfo;
}

std::atomic<LogLevel>& CurrentLevel() {
  static std::atomic<LogLevel> level = LevelFromEnvironment();
  return level;
}

void AppendEscaped(std::string& out, std::string_view message) {
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
      continue;
    }
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "\\x%02x", byte);
    out += c == '\n' ? "\\n" : text.data();
  }
}

}  // namespace

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  for (size_t i = 0; i < kLevels.size(); ++i) {
    if (name == kLevels[i].option) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

void SetLogLevel(LogLevel level) { CurrentLevel() = level; }

bool LogEnabled(LogLevel level) { return level >= CurrentLevel() && level != LogLevel::kOff; }

void LogLine(LogLevel level, std::string_view message) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(SystemClock().Now());
  std::string line = FormatRfc3339(now);
  line += ' ';
  line += kLevels[static_cast<size_t>(level)].label;
  line += ' ';
  AppendEscaped(line, RedactSecrets(message));
  line += '\n';
  // One write, so that lines of several threads and processes do not mix. A log that cannot be
  // written has nowhere to say so.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace hearth
