#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "mcp/pipe_transport.h"
#include "mcp/server_session.h"

namespace hearth::mcp {
namespace {

// What the server says, for the client's thread to hear.
class QueueChannel : public Channel {
 public:
  void Send(std::string_view message) override { Add(message); }
  void Finish(std::string_view answer) override {
    if (!answer.empty()) Add(answer);
  }
  // The next message; nothing once closed.
  std::optional<std::string> Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !messages_.empty(); });
    if (messages_.empty()) return std::nullopt;
    std::string message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  void Add(std::string_view message) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    messages_.emplace_back(message);
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> messages_;
  bool closed_ = false;
};

class PipeTransport : public ClientTransport {
 public:
  explicit PipeTransport(Server& server)
      : channel_(std::make_shared<QueueChannel>()), session_(server, channel_, {}) {}
  ~PipeTransport() override { Close(); }

  void Start(Listener listener) override {
    reader_ = std::thread([this, listener = std::move(listener)] {
      while (const auto message = channel_->Take()) listener.message(*message);
      listener.end();
    });
  }
  Status Send(std::string_view message, const Headers&) override {
    session_.Receive(message, channel_);
    return {};
  }
  std::string Close() override {
    session_.Close();
    channel_->Close();
    if (reader_.joinable()) reader_.join();
    return "it was closed";
  }

 private:
  const std::shared_ptr<QueueChannel> channel_;
  ServerSession session_;
  std::thread reader_;
};

}  // namespace

TransportFactory PipeTransports(Server& server) {
  return [&server]() -> Result<std::unique_ptr<ClientTransport>> {
    return std::unique_ptr<ClientTransport>(std::make_unique<PipeTransport>(server));
  };
}

}  // namespace hearth::mcp
