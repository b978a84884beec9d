#include "mcp/client/sse_transport.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "mcp/client/event_reader.h"

namespace hearth::mcp {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr size_t kMostEvent = size_t{64} << 20;
constexpr seconds kOpenTime{10};
constexpr net::HttpLimits kOpenEnd = {
    .silence = hours(24), .longest = hours(24 * 365), .max_body = SIZE_MAX};
constexpr net::HttpLimits kShort = {.silence = seconds(30), .longest = seconds(60)};

class SseTransport : public ClientTransport {
 public:
  explicit SseTransport(HttpRequester& requester) : requester_(requester) {
    reader_ = std::thread([this] { Read(); });
  }
  ~SseTransport() override { Close(); }

  // The address to post to.
  Status WaitForEndpoint(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, kOpenTime, [&] { return endpoint_ || ended_; });
    if (endpoint_) return {};
    return failure_.ok() ? MakeError(ErrorCode::kUnsupported, "it has no event stream") : failure_;
  }

  void Start(Listener listener) override {
    const std::lock_guard lock(mutex_);
    listener_ = std::move(listener);
    changed_.notify_all();
  }

  Status Send(std::string_view message, const Headers&) override {
    HttpRequester::Call call{.url = *endpoint_, .body = std::string(message)};
    call.headers.emplace_back("Content-Type", "application/json");
    const auto head = requester_.Send(
        call, kShort, [](const auto&, std::string_view) { return true; }, stop_.get_token());
    if (!head.ok()) return head.error();
    if (head->status >= 200 && head->status < 300) return {};
    return MakeError(ErrorCode::kIo, "HTTP ", head->status);
  }

  std::string Close() override {
    stop_.request_stop();
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      changed_.notify_all();
    }
    if (reader_.joinable()) reader_.join();
    return "it was closed";
  }

 private:
  void Read() {
    HttpRequester::Call call{.method = "GET", .url = requester_.url()};
    call.headers.emplace_back("Accept", "text/event-stream");
    EventReader events(kMostEvent);
    Status wrong;
    const auto head = requester_.Send(
        call, kOpenEnd,
        [&](const net::HttpHead& head, std::string_view piece) {
          if (head.status != 200 || head.content_type() != "text/event-stream") return false;
          wrong = events.Take(piece, [&](const ServerEvent& event) { TakeEvent(event); });
          return wrong.ok();
        },
        stop_.get_token());
    std::unique_lock lock(mutex_);
    failure_ = head.ok() ? wrong : Status(head.error());
    ended_ = true;
    changed_.notify_all();
    // Whoever hears of the end must have been there to hear.
    changed_.wait(lock, [&] { return closed_ || listener_.end; });
    const auto end = listener_.end;
    lock.unlock();
    if (end) end();
  }

  void TakeEvent(const ServerEvent& event) {
    if (event.name == "endpoint") {
      const auto address = requester_.url().Resolve(event.data);
      const std::lock_guard lock(mutex_);
      if (endpoint_ || !address.ok()) return;
      if (address->origin() != requester_.url().origin()) return;
      endpoint_ = *address;
      changed_.notify_all();
      return;
    }
    std::function<void(std::string_view)> hear;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return closed_ || listener_.message; });
      if (closed_) return;
      hear = listener_.message;
    }
    if (event.name == "message") hear(event.data);
  }

  HttpRequester& requester_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<net::Url> endpoint_;  // stays once it is set
  Listener listener_;
  Status failure_;
  bool ended_ = false;
  bool closed_ = false;
  std::thread reader_;
};

}  // namespace

Result<std::unique_ptr<ClientTransport>> ConnectSse(HttpRequester& requester,
                                                    std::stop_token stop) {
  auto transport = std::make_unique<SseTransport>(requester);
  HEARTH_CHECK_OK(transport->WaitForEndpoint(stop));
  return std::unique_ptr<ClientTransport>(std::move(transport));
}

}  // namespace hearth::mcp
