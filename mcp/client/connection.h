// Connection: requests to a server and their answers over one transport, until it ends.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "mcp/client.h"
#include "mcp/client_transport.h"
#include "mcp/server/workers.h"

namespace hearth::mcp {

// What a server answered: a result, or an error with its code.
struct Answer {
  std::optional<Json> result;
  int error_code = 0;
  std::string error_message;
  Json error_data;
};

struct Patience {
  std::chrono::milliseconds silence;  // without a sign of life
  std::chrono::milliseconds longest;  // at all
};

// Thread-safe.
class Connection {
 public:
  // Answers a request of the server: the result's JSON, or an Error that is told as -32601.
  using OnRequest = std::function<Result<Json>(const std::string& method, const Json& params)>;
  using OnNotification = std::function<void(const std::string& method)>;
  using Headers = ClientTransport::Headers;

  Connection(std::unique_ptr<ClientTransport> transport, OnRequest on_request,
             OnNotification on_notification);
  ~Connection();

  // Sends and waits. Errors as Client::Request's, but for refusals, which are an Answer.
  Result<Answer> Ask(std::string_view method, Json params, const Patience& patience,
                     std::stop_token stop, const ProgressSink& progress,
                     const Headers& headers = {});
  // Sends a request that stays open for as long as it can: what belongs to it comes as
  // notifications. `on_over` is called once when it is not open any more.
  Status Open(std::string_view method, const Json& params, std::function<void()> on_over);
  Status Notify(std::string_view method, const Json& params);
  bool ended() const;
  // Ends it; what is known about the end, in words.
  std::string Close();
  std::string last_words() const { return transport_->last_words(); }
  size_t junk_lines() const { return junk_; }

 private:
  struct Waiting {
    std::optional<Result<Answer>> answer;
    std::chrono::steady_clock::time_point last_sign;
    ProgressSink progress;
  };

  void Take(std::string_view text);
  void TakeFailure(std::string_view id, const Error& error);
  void TakeAnswer(std::string_view id, bool is_result, std::string_view body);
  // With the lock held.
  void CloseOpen(std::string_view id);
  void TakeProgress(std::string_view params);

  const std::unique_ptr<ClientTransport> transport_;
  const OnRequest on_request_;
  const OnNotification on_notification_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, std::shared_ptr<Waiting>, std::less<>> waiting_;  // by id
  std::map<std::string, std::function<void()>, std::less<>> open_;        // by id
  uint64_t last_id_ = 0;
  bool ended_ = false;
  std::atomic<size_t> junk_ = 0;
  Workers workers_{4, 64};  // answer the server's requests
};

}  // namespace hearth::mcp
