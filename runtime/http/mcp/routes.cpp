#include <boost/asio/this_coro.hpp>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "runtime/http/mcp.h"
#include "runtime/http/wakeup.h"

namespace hearth::http {
namespace {

namespace asio = boost::asio;

// How long an event stream may be silent.
constexpr std::chrono::seconds kSilence{15};

// What the endpoint wants sent, until the connection's coroutine sends it.
class Outbox : public mcp::HttpStream {
 public:
  explicit Outbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  struct Step {
    enum class Kind { kRespond, kBegin, kWrite, kEnd } kind;
    int status = 200;
    Headers headers;
    std::string text;
  };

  void Respond(int status, mcp::HttpFields headers, std::string body) override {
    Add({Step::Kind::kRespond, status, std::move(headers), std::move(body)});
  }
  void Begin(mcp::HttpFields headers) override {
    Add({Step::Kind::kBegin, 200, std::move(headers), {}});
  }
  void Write(std::string piece) override { Add({Step::Kind::kWrite, 200, {}, std::move(piece)}); }
  void End() override { Add({Step::Kind::kEnd, 200, {}, {}}); }

  // Everything so far; pieces that follow each other are joined.
  std::deque<Step> Take() {
    const std::lock_guard lock(mutex_);
    handled_ = true;
    bytes_ = 0;
    return std::exchange(steps_, {});
  }

 private:
  void Add(Step step) {
    // A client that reads nothing must not fill our memory.
    constexpr size_t kMostBytes = size_t{64} << 20;
    const std::lock_guard lock(mutex_);
    if (bytes_ > kMostBytes && step.kind == Step::Kind::kWrite)
      step = {Step::Kind::kEnd, 200, {}, {}};
    bytes_ += step.text.size();
    if (step.kind == Step::Kind::kWrite && !steps_.empty() &&
        steps_.back().kind == Step::Kind::kWrite) {
      steps_.back().text += step.text;
    } else {
      steps_.push_back(std::move(step));
    }
    if (handled_) wake_();
  }

  const std::function<void()> wake_;
  std::mutex mutex_;
  std::deque<Step> steps_;
  size_t bytes_ = 0;
  bool handled_ = false;  // the coroutine has looked once, so it may be waiting
};

using Handler = std::unique_ptr<mcp::HttpEndpoint::Exchange> (mcp::HttpEndpoint::*)(
    const mcp::HttpInput&, std::shared_ptr<mcp::HttpStream>);

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

asio::awaitable<void> Answer(Exchange& exchange, mcp::HttpEndpoint& endpoint, Handler handler) {
  const HttpRequest& request = exchange.request();
  Wakeup wakeup(exchange.executor());
  const auto outbox = std::make_shared<Outbox>(wakeup.waker());
  mcp::HttpInput input;
  input.method = request.method;
  input.query = request.query;
  input.body = request.body;
  input.principal = request.Header("authorization");
  input.header = [&](std::string_view name) { return Trim(request.Header(name)); };
  const auto handle = (endpoint.*handler)(input, outbox);
  exchange.OnEnding(wakeup.waker());
  for (;;) {
    for (Outbox::Step& step : outbox->Take()) {
      HttpResponse response;
      response.status = step.status;
      response.headers = std::move(step.headers);
      switch (step.kind) {
        case Outbox::Step::Kind::kRespond:
          response.body = std::move(step.text);
          if (response.body.empty()) response.content_type.clear();
          co_await exchange.Send(std::move(response));
          co_return;
        case Outbox::Step::Kind::kBegin:
          response.content_type = "text/event-stream";
          co_await exchange.BeginStream(std::move(response));
          break;
        case Outbox::Step::Kind::kWrite:
          co_await exchange.Write(std::move(step.text));
          break;
        case Outbox::Step::Kind::kEnd:
          co_return;
      }
    }
    if (exchange.ending()) co_return;
    const auto before = std::chrono::steady_clock::now();
    co_await wakeup.Wait(kSilence);
    if (std::chrono::steady_clock::now() - before >= kSilence) handle->KeepAlive();
  }
}

}  // namespace

void AddMcpRoutes(Router& router, mcp::HttpEndpoint& endpoint) {
  const auto add = [&](const char* method, const char* path, Handler handler) {
    router.Add({method, path, path, [&endpoint, handler](Exchange& exchange) {
                  return Answer(exchange, endpoint, handler);
                }});
  };
  add("POST", "/mcp", &mcp::HttpEndpoint::Handle);
  add("GET", "/mcp", &mcp::HttpEndpoint::Handle);
  add("DELETE", "/mcp", &mcp::HttpEndpoint::Handle);
  add("GET", "/mcp/sse", &mcp::HttpEndpoint::HandleSse);
  add("POST", "/mcp/messages", &mcp::HttpEndpoint::HandleMessages);
}

}  // namespace hearth::http
