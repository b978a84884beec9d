#include "mcp/transport/event_stream.h"

#include <charconv>
#include <utility>

namespace hearth::mcp {
namespace {

constexpr const char* kRetryMilliseconds = "500";

}  // namespace

EventStream::EventStream(std::string id, bool resumable, const HttpLimits& limits)
    : id_(std::move(id)),
      resumable_(resumable),
      max_events_(limits.max_kept_events),
      max_bytes_(limits.max_kept_bytes) {}

std::optional<std::pair<std::string, uint64_t>> EventStream::ParseEventId(std::string_view text) {
  const size_t dash = text.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data() + dash + 1, end, number);
  if (error != std::errc() || last != end) return std::nullopt;
  return std::make_pair(std::string(text.substr(0, dash)), number);
}

std::string EventStream::Format(uint64_t number, std::string_view data) const {
  std::string event;
  if (resumable_) event = "id: " + id_ + "-" + std::to_string(number) + "\n";
  event += "event: message\ndata: ";
  event += data;
  event += "\n\n";
  return event;
}

bool EventStream::Attach(std::shared_ptr<HttpStream> connection, HttpFields headers,
                         uint64_t after) {
  const std::lock_guard lock(mutex_);
  if (after > last_) return false;
  if (after != last_ && (kept_.empty() || kept_.front().first > after + 1)) return false;
  if (connection_ != nullptr) connection_->End();
  connection_ = std::move(connection);
  connection_->Begin(std::move(headers));
  if (resumable_) {
    // An event without data: a client that loses the connection now knows where to go on.
    connection_->Write("id: " + id_ + "-" + std::to_string(after) +
                       "\nretry: " + kRetryMilliseconds + "\ndata: \n\n");
  }
  for (const auto& [number, data] : kept_) {
    if (number > after) connection_->Write(Format(number, data));
  }
  if (ended_) std::exchange(connection_, nullptr)->End();
  return true;
}

void EventStream::Detach(const HttpStream* connection) {
  const std::lock_guard lock(mutex_);
  if (connection_.get() == connection) connection_ = nullptr;
}

void EventStream::Send(std::string_view message) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  ++last_;
  if (resumable_) {
    kept_.emplace_back(last_, message);
    kept_bytes_ += message.size();
    while (kept_.size() > max_events_ || (kept_bytes_ > max_bytes_ && kept_.size() > 1)) {
      kept_bytes_ -= kept_.front().second.size();
      kept_.pop_front();
    }
  }
  if (connection_ != nullptr) connection_->Write(Format(last_, message));
}

void EventStream::SendNamed(std::string_view name, std::string_view data) {
  const std::lock_guard lock(mutex_);
  if (connection_ == nullptr) return;
  connection_->Write(Concat("event: ", name, "\ndata: ", data, "\n\n"));
}

void EventStream::Pause() {
  const std::lock_guard lock(mutex_);
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->End();
}

void EventStream::End() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->End();
}

void EventStream::Comment() {
  const std::lock_guard lock(mutex_);
  if (connection_ != nullptr) connection_->Write(": still here\n\n");
}

uint64_t EventStream::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

bool EventStream::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

}  // namespace hearth::mcp
