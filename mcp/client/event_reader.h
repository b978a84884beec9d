// EventReader: server-sent events out of bytes as they come (the HTML standard, section 9.2.6).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/core/result.h"

namespace hearth::mcp {

struct ServerEvent {
  std::string name;  // "message" where none is given
  std::string data;
};

class EventReader {
 public:
  explicit EventReader(size_t max_event) : max_event_(max_event) {}

  // kResourceExhausted: an event is over the limit.
  Status Take(std::string_view bytes, const std::function<void(const ServerEvent&)>& on_event);

  // The id of the last event, to go on behind it; empty where events have none.
  const std::string& last_id() const { return last_id_; }
  // How long the server wants us to wait before we come back.
  std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  void TakeLine(std::string_view line, const std::function<void(const ServerEvent&)>& on_event);

  const size_t max_event_;
  std::string line_;
  bool after_return_ = false;  // a line feed that follows belongs to the same line break
  bool first_line_ = true;
  ServerEvent event_;
  std::string next_id_;
  std::string last_id_;
  std::optional<std::chrono::milliseconds> retry_;
};

}  // namespace hearth::mcp
