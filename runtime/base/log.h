// Log: lines on stderr for whoever runs the program. stdout belongs to results and protocols.
//
// The level comes from the environment variable HEARTH_LOG (debug, info, warn, error, off; default
// info) until SetLogLevel says otherwise. Thread-safe: a line is written in one piece. Control
// characters in a message are escaped and secrets hidden, since messages quote what strangers sent.
#pragma once

#include <optional>
#include <string_view>

#include "runtime/base/core/result.h"

namespace hearth {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

// By the name that HEARTH_LOG takes; nothing for others.
std::optional<LogLevel> ParseLogLevel(std::string_view name);
void SetLogLevel(LogLevel level);
bool LogEnabled(LogLevel level);
void LogLine(LogLevel level, std::string_view message);

// Log(LogLevel::kWarn, "slot ", 3, " is late"): anything that has an ostream operator.
template <typename... Args>
void Log(LogLevel level, const Args&... args) {
  if (LogEnabled(level)) LogLine(level, Concat(args...));
}

}  // namespace hearth
