// Streamable HTTP as a client, from 2025-03-26 to 2026-07-28. A request is an exchange on a thread
// of its own, so that each can be cancelled alone.
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "mcp/client/event_reader.h"
#include "mcp/client/http_requester.h"
#include "mcp/client/sse_transport.h"
#include "mcp/client_transport.h"
#include "mcp/jsonrpc/json_text.h"
#include "mcp/jsonrpc/message.h"
#include "mcp/protocol.h"
#include "mcp/server/workers.h"
#include "mcp/transport/http_rules.h"
#include "runtime/base/log.h"
#include "runtime/base/text.h"

namespace hearth::mcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kMostMessage = size_t{64} << 20;
constexpr milliseconds kRetry{1000};  // before a stream is taken up again, where none is said
constexpr milliseconds kLongestRetry{30'000};
constexpr milliseconds kListenTime{250};
constexpr int kMostResumptions = 5;  // of one stream without an event between
// Requests end when whoever asked has waited enough; the transport itself does not hurry them.
constexpr net::HttpLimits kOpenEnd = {.silence = std::chrono::hours(24),
                                      .longest = std::chrono::hours(24 * 365),
                                      .max_body = SIZE_MAX};
constexpr net::HttpLimits kShort = {.silence = seconds(30), .longest = seconds(60)};

// The session that the legacy era opens, as headers.
struct Session {
  std::string id;
  std::string revision;
};

// What a body that is no answer may tell a person.
std::string Summary(const net::HttpHead& head, const std::string& body) {
  std::string text = Concat("HTTP ", head.status);
  if (CheckJson(body).ok()) {
    const std::string_view error = FindJsonMember(body, "error");
    const std::string_view message = FindJsonMember(error, "message");
    const std::string_view description = FindJsonMember(body, "error_description");
    for (const std::string_view said : {message, description, error}) {
      if (IsJsonString(said)) return text + ": " + Clip(OneLine(DecodeJsonString(said)), 300);
    }
  }
  return text;
}

class HttpTransport : public ClientTransport {
 public:
  HttpTransport(net::HttpClient& http, net::Url url, Headers headers, Authorizer* authorizer)
      : requester_(http, std::move(url), std::move(headers), authorizer) {}
  ~HttpTransport() override { Close(); }

  void Start(Listener listener) override { listener_ = std::move(listener); }

  Status Send(std::string_view text, const Headers& headers) override {
    if (over_) return MakeError(ErrorCode::kIo, "the connection is closed");
    if (const auto old = Old()) return old->Send(text, headers);
    const auto read = ReadMessage(text);
    const auto& message = std::get<Message>(read);  // we wrote it
    if (message.kind == Message::Kind::kRequest) return Submit(text, message, headers);
    if (message.method() == "notifications/cancelled") {
      if (Cancel(message)) return {};
      // Whoever cancels has waited long enough.
      workers_.Submit([this, text = std::string(text)] { (void)PostQuietly(text).ok(); });
      return {};
    }
    const Status posted = PostQuietly(text);
    if (posted.ok() && message.method() == "notifications/initialized") Listen();
    return posted;
  }

  std::string Close() override {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return "it was closed";
      closed_ = true;
      over_ = true;
      changed_.notify_all();
    }
    stop_.request_stop();
    if (listening_.joinable()) listening_.join();
    workers_.Stop(seconds(10));
    if (const auto old = Old()) old->Close();
    EndSession();
    End();
    return "it was closed";
  }

 private:
  // A request on its way.
  struct Running {
    std::stop_source stop;
    bool modern = false;
  };

  std::shared_ptr<ClientTransport> Old() {
    const std::lock_guard lock(mutex_);
    return old_;
  }

  Status Submit(std::string_view text, const Message& message, const Headers& extra) {
    HttpFields headers = RequestHeaders(message);
    const bool modern = !headers.empty();
    headers.insert(headers.end(), extra.begin(), extra.end());
    auto running = std::make_shared<Running>();
    running->modern = modern;
    const std::string id(message.id);
    {
      const std::lock_guard lock(mutex_);
      running_[id] = running;
    }
    const bool taken = workers_.Submit([this, id, running, text = std::string(text),
                                        method = std::string(message.method()),
                                        headers = std::move(headers)]() mutable {
      Run(id, *running, method, std::move(text), std::move(headers));
      const std::lock_guard lock(mutex_);
      running_.erase(id);
    });
    if (taken) return {};
    const std::lock_guard lock(mutex_);
    running_.erase(id);
    return MakeError(ErrorCode::kResourceExhausted, "too many requests are on their way");
  }

  // In the modern era closing the stream is the cancellation; true where that is all.
  bool Cancel(const Message& message) {
    const std::string_view id = FindJsonMember(message.params, "requestId");
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(id);
    if (found == running_.end()) return false;
    found->second->stop.request_stop();
    return found->second->modern;
  }

  net::HttpHeaders SessionHeaders() {
    const std::lock_guard lock(mutex_);
    net::HttpHeaders headers;
    if (!session_.id.empty()) headers.emplace_back("Mcp-Session-Id", session_.id);
    if (!session_.revision.empty()) {
      headers.emplace_back("MCP-Protocol-Version", session_.revision);
    }
    return headers;
  }

  HttpRequester::Call PostCall(std::string_view text, bool modern, const HttpFields& more) {
    HttpRequester::Call call{.url = requester_.url(), .body = std::string(text)};
    if (!modern) call.headers = SessionHeaders();
    call.headers.emplace_back("Content-Type", "application/json");
    call.headers.emplace_back("Accept", "application/json, text/event-stream");
    call.headers.insert(call.headers.end(), more.begin(), more.end());
    return call;
  }

  // A notification, or an answer of ours.
  Status PostQuietly(std::string_view text) {
    const auto head = requester_.Send(
        PostCall(text, false, {}), kShort, [](const auto&, std::string_view) { return true; },
        stop_.get_token());
    if (!head.ok()) return head.error();
    if (head->status >= 200 && head->status < 300) return {};
    return MakeError(ErrorCode::kIo, "HTTP ", head->status);
  }

  // What came for one request.
  struct Reply {
    net::HttpHead head;
    std::string body;  // of an answer that is no event stream
    bool answered = false;
    std::string resume_id;
    std::optional<milliseconds> retry;
    int events = 0;
  };

  void Run(const std::string& id, Running& running, const std::string& method, std::string text,
           HttpFields headers) {
    const std::stop_callback both(stop_.get_token(), [&] { running.stop.request_stop(); });
    const auto call = PostCall(text, running.modern, headers);
    Reply reply;
    Status status = Exchange(call, id, running.stop.get_token(), reply);
    if (status.ok() && !reply.answered && !reply.resume_id.empty() && !running.modern) {
      status = Resume(id, running.stop.get_token(), reply);
    }
    if (reply.answered) return;
    if (running.stop.stop_requested()) return Fail(id, {ErrorCode::kCancelled, "cancelled"});
    if (!status.ok()) return Fail(id, status.error());
    const int code = reply.head.status;
    if (code == 404 && !running.modern && method != "initialize" && HasSession()) {
      Fail(id, {ErrorCode::kConflict, "the server has forgotten the session"});
      over_ = true;
      End();
      return;
    }
    if (method == "initialize" && (code == 400 || code == 404 || code == 405)) {
      if (StartOld(text)) return;
    }
    if (code < 200 || code >= 300) {
      return Fail(id, {ErrorCode::kUnsupported, Summary(reply.head, reply.body)});
    }
    Fail(id, {ErrorCode::kIo, "the server ended its answer before it was whole"});
  }

  // One HTTP exchange whose messages are delivered.
  Status Exchange(const HttpRequester::Call& call, const std::string& id, std::stop_token stop,
                  Reply& reply) {
    EventReader events(kMostMessage);
    Status wrong;
    const auto on_event = [&](const ServerEvent& event) {
      ++reply.events;
      if (event.name == "message") Deliver(event.data, id, reply);
    };
    const net::HttpSink sink = [&](const net::HttpHead& head, std::string_view piece) {
      // Before its answer is delivered: what follows it belongs to the session.
      if (piece.empty()) {
        RememberSession(head);
        if (id.empty()) MarkListening();
      }
      if (head.status == 200 && head.content_type() == "text/event-stream") {
        wrong = events.Take(piece, on_event);
        return wrong.ok() && !reply.answered;
      }
      if (reply.body.size() + piece.size() > kMostMessage) {
        wrong =
            MakeError(ErrorCode::kResourceExhausted, "the answer is over ", kMostMessage, " bytes");
        return false;
      }
      reply.body += piece;
      return true;
    };
    auto head = requester_.Send(call, kOpenEnd, sink, stop);
    reply.resume_id = events.last_id();
    if (events.retry()) reply.retry = events.retry();
    if (reply.answered) return {};
    if (!wrong.ok()) return wrong;
    // A stream that breaks and one that ends can both be taken up again.
    if (!head.ok()) return reply.resume_id.empty() ? Status(head.error()) : Status();
    reply.head = *std::move(head);
    return reply.body.empty() ? Status() : TakeBody(id, reply);
  }

  Status TakeBody(const std::string& id, Reply& reply) {
    const std::string type = reply.head.content_type();
    if (type == "application/json" || type == "text/json") {
      Deliver(reply.body, id, reply);
    } else if (reply.head.status == 200) {
      return MakeError(ErrorCode::kUnsupported,
                       "the answer is neither JSON nor an event stream but '",
                       Clip(OneLine(type), 60), "'");
    }
    return {};
  }

  // Hands a message on, and notices whether it answers the request.
  void Deliver(std::string_view text, const std::string& id, Reply& reply) {
    const auto read = ReadMessage(text);
    const auto* message = std::get_if<Message>(&read);
    const bool is_answer = message != nullptr && (message->kind == Message::Kind::kResult ||
                                                  message->kind == Message::Kind::kError);
    if (is_answer && !id.empty() && message->id == id) {
      reply.answered = true;
      NoteRevision(*message);
    }
    // An error without an id stands in the body of a refusal; it is told as one.
    if (message == nullptr && reply.head.status != 0) return;
    if (is_answer && message->id == "null") return;
    const std::lock_guard lock(delivering_);
    if (!ended_) listener_.message(text);
  }

  // The answer to initialize says which revision is spoken from now on.
  void NoteRevision(const Message& message) {
    const std::string_view revision = FindJsonMember(message.body, "protocolVersion");
    if (!IsJsonString(revision)) return;
    const std::lock_guard lock(mutex_);
    session_.revision = DecodeJsonString(revision);
  }

  void RememberSession(const net::HttpHead& head) {
    const std::string_view id = head.Find("mcp-session-id");
    if (id.empty() || id.size() > 1024) return;
    const std::lock_guard lock(mutex_);
    session_.id = id;
  }

  bool HasSession() {
    const std::lock_guard lock(mutex_);
    return !session_.id.empty();
  }

  // Takes the stream up again behind the last event that came, until the answer is there.
  Status Resume(const std::string& id, std::stop_token stop, Reply& reply) {
    for (int idle = 0; idle < kMostResumptions;) {
      if (!Pause(reply.retry.value_or(kRetry), stop)) return {};
      const std::string before = reply.resume_id;
      reply.events = 0;
      reply.body.clear();
      HEARTH_CHECK_OK(Exchange(GetCall(before), id, stop, reply));
      if (reply.answered || stop.stop_requested()) return {};
      if (reply.head.status != 200 && reply.head.status != 0) return {};
      if (reply.resume_id.empty()) reply.resume_id = before;
      idle = reply.events > 0 ? 0 : idle + 1;
    }
    return MakeError(ErrorCode::kIo, "the server breaks its answer off again and again");
  }

  HttpRequester::Call GetCall(const std::string& last_id) {
    HttpRequester::Call call{.method = "GET", .url = requester_.url(), .headers = SessionHeaders()};
    call.headers.emplace_back("Accept", "text/event-stream");
    if (!last_id.empty()) call.headers.emplace_back("Last-Event-ID", last_id);
    return call;
  }

  // False where it was stopped meanwhile.
  bool Pause(milliseconds time, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, time, [&] { return closed_; });
    return !closed_ && !stop.stop_requested();
  }

  void MarkListening() {
    const std::lock_guard lock(mutex_);
    heard_ = true;
    changed_.notify_all();
  }

  // Legacy: a stream for what the server says of its own accord. Servers may have none (405). Waits
  // a little until it is there, so that nothing is said before; some send its head only with its
  // first event.
  void Listen() {
    std::unique_lock lock(mutex_);
    if (closed_ || listening_.joinable()) return;
    listening_ = std::thread([this] {
      Reply reply;
      milliseconds pause = kRetry;
      for (;;) {
        const std::string before = reply.resume_id;
        reply.events = 0;
        reply.head = {};
        const Status status = Exchange(GetCall(before), "", stop_.get_token(), reply);
        MarkListening();
        if (reply.resume_id.empty()) reply.resume_id = before;
        const bool refused = status.ok() && (reply.head.status != 200 ||
                                             reply.head.content_type() != "text/event-stream");
        const bool broken = status.ok() && reply.head.status == 0;
        if (refused && !broken) return;
        pause = reply.events > 0 ? kRetry : std::min(pause * 2, kLongestRetry);
        if (!Pause(reply.retry.value_or(pause), stop_.get_token())) return;
      }
    });
    changed_.wait_for(lock, kListenTime, [&] { return heard_ || closed_; });
  }

  // A server of 2024-11-05 knows no POST here: it has an event stream instead.
  bool StartOld(const std::string& initialize) {
    auto old = ConnectSse(requester_, stop_.get_token());
    if (!old.ok()) return false;
    std::shared_ptr<ClientTransport> transport = *std::move(old);
    transport->Start({.message =
                          [this](std::string_view text) {
                            const std::lock_guard lock(delivering_);
                            if (!ended_) listener_.message(text);
                          },
                      .failure = [this](std::string_view id,
                                        const Error& error) { Fail(std::string(id), error); },
                      .end =
                          [this] {
                            over_ = true;
                            End();
                          }});
    {
      const std::lock_guard lock(mutex_);
      old_ = transport;
    }
    return transport->Send(initialize, {}).ok();
  }

  // Tells the server that the session is over; it may refuse, and that is no harm.
  void EndSession() {
    if (!HasSession()) return;
    HttpRequester::Call call{
        .method = "DELETE", .url = requester_.url(), .headers = SessionHeaders()};
    (void)requester_
        .Send(call, {.connect = seconds(1), .silence = seconds(1), .longest = seconds(2)},
              [](const auto&, std::string_view) { return false; }, {})
        .ok();
  }

  void Fail(const std::string& id, const Error& error) {
    const std::lock_guard lock(delivering_);
    if (!ended_) listener_.failure(id, error);
  }

  void End() {
    const std::lock_guard lock(delivering_);
    if (!ended_ && listener_.end) listener_.end();
    ended_ = true;
  }

  HttpRequester requester_;
  Listener listener_;
  std::mutex delivering_;  // one call of the listener at a time
  bool ended_ = false;
  std::atomic<bool> over_ = false;  // nothing can be sent any more
  std::mutex mutex_;                // of the rest
  std::condition_variable_any changed_;
  bool closed_ = false;
  Session session_;
  std::map<std::string, std::shared_ptr<Running>, std::less<>> running_;  // by id
  std::shared_ptr<ClientTransport> old_;
  std::stop_source stop_;
  std::thread listening_;
  bool heard_ = false;  // the server has begun that stream, or has refused it
  Workers workers_{32, 256};
};

}  // namespace

Result<TransportFactory> HttpTransports(net::HttpClient& http, const std::string& url,
                                        ClientTransport::Headers headers, Authorizer* authorizer) {
  HEARTH_TRY(const net::Url address, net::Url::Parse(url));
  if (!address.secure() && !address.loopback()) {
    return MakeError(ErrorCode::kInvalidArgument, address.origin(),
                     ": only https, or http on this machine: what is said there could be read and "
                     "changed on its way");
  }
  return TransportFactory([&http, address, headers = std::move(headers),
                           authorizer]() -> Result<std::unique_ptr<ClientTransport>> {
    return std::unique_ptr<ClientTransport>(
        std::make_unique<HttpTransport>(http, address, headers, authorizer));
  });
}

}  // namespace hearth::mcp
