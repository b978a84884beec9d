#include "runtime/serving/stop_strings.h"

#include <algorithm>
#include <utility>

namespace hearth::serving {

StopStrings::StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {
  std::erase_if(strings_, [](const std::string& s) { return s.empty(); });
}

std::string StopStrings::Push(std::string_view bytes) {
  if (stopped_) return "";
  held_ += bytes;
  size_t found = std::string::npos;
  size_t waiting = 0;
  for (const std::string& stop : strings_) {
    found = std::min(found, held_.find(stop));
    for (size_t n = std::min(held_.size(), stop.size() - 1); n > waiting; --n) {
      if (std::string_view(held_).substr(held_.size() - n) == std::string_view(stop).substr(0, n)) {
        waiting = n;
      }
    }
  }
  stopped_ = found != std::string::npos;
  std::string shown = held_.substr(0, stopped_ ? found : held_.size() - waiting);
  held_.erase(0, stopped_ ? held_.size() : shown.size());
  return shown;
}

std::string StopStrings::Flush() { return std::exchange(held_, {}); }

}  // namespace hearth::serving
