#include "mcp/client/event_reader.h"

#include <algorithm>
#include <charconv>

namespace hearth::mcp {
namespace {

constexpr uint32_t kLongestRetry = 60'000;  // milliseconds; a server must not send us to sleep
constexpr size_t kLongestId = 1024;

}  // namespace

Status EventReader::Take(std::string_view bytes,
                         const std::function<void(const ServerEvent&)>& on_event) {
  while (!bytes.empty()) {
    if (after_return_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_return_ = false;
    const size_t end = std::min(bytes.find_first_of("\r\n"), bytes.size());
    line_.append(bytes.substr(0, end));
    if (line_.size() + event_.data.size() > max_event_) {
      return MakeError(ErrorCode::kResourceExhausted, "an event is over ", max_event_, " bytes");
    }
    if (end == bytes.size()) return {};
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    std::string_view line = line_;
    if (first_line_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    first_line_ = false;
    TakeLine(line, on_event);
    line_.clear();
  }
  return {};
}

void EventReader::TakeLine(std::string_view line,
                           const std::function<void(const ServerEvent&)>& on_event) {
  if (line.empty()) {
    last_id_ = next_id_;
    if (!event_.data.empty()) {
      event_.data.pop_back();  // the line break after its last line
      if (event_.name.empty()) event_.name = "message";
      if (!event_.data.empty()) on_event(event_);
    }
    event_ = {};
    return;
  }
  const size_t colon = std::min(line.find(':'), line.size());
  const std::string_view field = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    event_.data.append(value);
    event_.data += '\n';
  } else if (field == "event") {
    event_.name = value;
  } else if (field == "id" && value.find('\0') == std::string_view::npos &&
             value.size() <= kLongestId) {
    next_id_ = value;
  } else if (field == "retry") {
    uint32_t wait = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), wait);
    if (read.ec == std::errc() && read.ptr == value.data() + value.size()) {
      retry_ = std::chrono::milliseconds(std::min(wait, kLongestRetry));
    }
  }
}

}  // namespace hearth::mcp
