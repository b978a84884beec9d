#include "mcp/http_endpoint.h"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/jsonrpc/message.h"
#include "mcp/server/server_state.h"
#include "mcp/server_session.h"
#include "mcp/transport/event_stream.h"
#include "mcp/transport/http_rules.h"
#include "runtime/base/ids.h"

namespace hearth::mcp {
namespace {

HttpFields StreamHeaders() { return {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}}; }

void RespondError(HttpStream& stream, int status, int error_code, std::string_view message,
                  std::string_view id = "null", HttpFields headers = {}) {
  stream.Respond(status, std::move(headers), WriteError(id, error_code, message));
}

bool Accepts(const HttpInput& input, std::string_view type) {
  const std::string_view accept = input.header("accept");
  return accept.empty() || accept.find(type) != std::string_view::npos ||
         accept.find("*/*") != std::string_view::npos;
}

// The status that goes with an answer of the modern era.
int StatusOf(std::string_view answer, bool meta_is_right) {
  const std::string_view error = FindJsonMember(answer, "error");
  const std::string_view error_code = FindJsonMember(error, "code");
  if (error_code == "-32601") return 404;
  if (error_code == "-32602") return meta_is_right ? 200 : 400;
  for (const std::string_view refused : {"-32700", "-32600", "-32020", "-32021", "-32022"}) {
    if (error_code == refused) return 400;
  }
  return 200;
}

// One legacy session.
struct HttpSession {
  std::string id;
  std::string principal;
  std::unique_ptr<ServerSession> session;
  std::shared_ptr<EventStream> own;  // what belongs to no request
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<EventStream>> streams;  // of requests, by id
  std::atomic<uint64_t> last_stream = 0;
  std::atomic<int64_t> last_used = 0;

  // Remembers a stream for a client that comes back for it; the oldest ones are forgotten.
  void Keep(const std::shared_ptr<EventStream>& stream) {
    constexpr size_t kMost = 32;
    const std::lock_guard lock(mutex);
    if (streams.size() >= kMost) {
      std::erase_if(streams, [](const auto& entry) { return entry.second->ended(); });
    }
    streams[stream->id()] = stream;
  }
};

// What belongs to no request, on the stream that a GET opened.
class OwnChannel : public Channel {
 public:
  explicit OwnChannel(std::shared_ptr<EventStream> stream) : stream_(std::move(stream)) {}
  void Send(std::string_view message) override { stream_->Send(message); }
  void Finish(std::string_view answer) override {
    if (!answer.empty()) stream_->Send(answer);
  }

 private:
  const std::shared_ptr<EventStream> stream_;
};

// The answer to a POST: JSON, or an event stream once something is said before the answer.
class PostChannel : public Channel {
 public:
  PostChannel(std::shared_ptr<HttpStream> connection, std::shared_ptr<EventStream> events,
              std::function<int(std::string_view)> status, HttpFields headers, bool may_stream)
      : connection_(std::move(connection)),
        events_(std::move(events)),
        status_(std::move(status)),
        headers_(std::move(headers)),
        may_stream_(may_stream) {}

  void Send(std::string_view message) override {
    const std::lock_guard lock(mutex_);
    if (Open()) events_->Send(message);
  }

  void Finish(std::string_view answer) override {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    finished_ = true;
    if (!open_) {
      open_ = true;
      const int status = answer.empty() ? 202 : status_(answer);
      connection_->Respond(status, headers_, std::string(answer));
      events_->End();
      return;
    }
    if (!answer.empty()) events_->Send(answer);
    events_->End();
  }

  void Pause() override {
    const std::lock_guard lock(mutex_);
    if (Open()) events_->Pause();
  }

  void KeepAlive() {
    const std::lock_guard lock(mutex_);
    if (!finished_ && Open()) events_->Comment();
  }

  // The client has gone.
  void Detach() {
    events_->Detach(connection_.get());
    const std::lock_guard lock(mutex_);
    open_ = true;  // what comes is kept for its return
  }

 private:
  // Makes it an event stream; false where the client wants none.
  bool Open() {
    if (!may_stream_ || finished_) return false;
    if (!std::exchange(open_, true)) {
      HttpFields headers = headers_;
      for (auto& field : StreamHeaders()) headers.push_back(std::move(field));
      events_->Attach(connection_, std::move(headers), 0);
    }
    return true;
  }

  const std::shared_ptr<HttpStream> connection_;
  const std::shared_ptr<EventStream> events_;
  const std::function<int(std::string_view)> status_;
  const HttpFields headers_;
  const bool may_stream_;
  std::mutex mutex_;
  bool open_ = false;
  bool finished_ = false;
};

// A POST under way.
class PostExchange : public HttpEndpoint::Exchange {
 public:
  PostExchange(std::shared_ptr<PostChannel> channel, std::unique_ptr<ServerSession> session)
      : channel_(std::move(channel)), session_(std::move(session)) {}
  ~PostExchange() override {
    channel_->Detach();
    if (session_ != nullptr) session_->Close();
  }
  void KeepAlive() override { channel_->KeepAlive(); }

 private:
  const std::shared_ptr<PostChannel> channel_;
  const std::unique_ptr<ServerSession>
      session_;  // of a modern request, which it is all there is of
};

// A GET: a stream that the client has opened or come back to.
class StreamExchange : public HttpEndpoint::Exchange {
 public:
  StreamExchange(std::shared_ptr<EventStream> events, std::shared_ptr<HttpStream> connection,
                 std::function<void()> at_end)
      : events_(std::move(events)),
        connection_(std::move(connection)),
        at_end_(std::move(at_end)) {}
  ~StreamExchange() override {
    events_->Detach(connection_.get());
    if (at_end_) at_end_();
  }
  void KeepAlive() override { events_->Comment(); }

 private:
  const std::shared_ptr<EventStream> events_;
  const std::shared_ptr<HttpStream> connection_;
  const std::function<void()> at_end_;
};

// Answered already.
class DoneExchange : public HttpEndpoint::Exchange {
 public:
  void KeepAlive() override {}
};

}  // namespace

class HttpEndpoint::Impl {
 public:
  Impl(Server& server, const Clock& clock, HttpLimits limits)
      : server_(server), clock_(clock), limits_(std::move(limits)) {}

  std::unique_ptr<Exchange> Post(const HttpInput& input, std::shared_ptr<HttpStream> stream);
  std::unique_ptr<Exchange> Get(const HttpInput& input, std::shared_ptr<HttpStream> stream);
  void Delete(const HttpInput& input, HttpStream& stream);
  std::unique_ptr<Exchange> Sse(const HttpInput& input, std::shared_ptr<HttpStream> stream);
  void Messages(const HttpInput& input, HttpStream& stream);
  size_t sessions() const {
    const std::lock_guard lock(mutex_);
    return sessions_.size();
  }
  void Close();

 private:
  std::unique_ptr<Exchange> PostModern(const HttpInput& input, const Message& message,
                                       std::shared_ptr<HttpStream> stream);
  std::unique_ptr<Exchange> PostLegacy(const HttpInput& input,
                                       const std::optional<Message>& message,
                                       std::shared_ptr<HttpStream> stream);
  // Null, and the answer given, where the session is missing or unknown.
  std::shared_ptr<HttpSession> FindSession(const HttpInput& input, HttpStream& stream);
  std::shared_ptr<HttpSession> Lookup(std::string_view id, std::string_view principal);
  std::shared_ptr<HttpSession> MakeSession(std::string_view principal, bool resumable);
  void Remove(const std::string& id);
  int64_t Now() const { return clock_.Monotonic().time_since_epoch().count(); }

  Server& server_;
  const Clock& clock_;
  const HttpLimits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<HttpSession>, std::less<>> sessions_;
};

std::unique_ptr<HttpEndpoint::Exchange> HttpEndpoint::Impl::Post(
    const HttpInput& input, std::shared_ptr<HttpStream> stream) {
  if (const Status status = CheckJson(input.body); !status.ok()) {
    RespondError(*stream, 400, code::kParseError, "this is no JSON: " + status.error().message);
    return std::make_unique<DoneExchange>();
  }
  std::optional<Message> message;
  if (!IsJsonArray(TrimJson(input.body))) {
    auto read = ReadCheckedMessage(input.body);
    if (const auto* bad = std::get_if<BadMessage>(&read)) {
      RespondError(*stream, 400, bad->code, bad->message, bad->id);
      return std::make_unique<DoneExchange>();
    }
    message = std::get<Message>(std::move(read));
  }
  const std::string_view version = input.header("mcp-protocol-version");
  const std::string_view meta =
      message ? FindJsonMember(message->params, "_meta") : std::string_view();
  const bool says_modern = !FindJsonMember(meta, meta::kVersion).empty();
  if (message && (version == kModernRevision || says_modern)) {
    return PostModern(input, *message, std::move(stream));
  }
  if (!version.empty() && !IsLegacyRevision(version)) {
    const Json data = {{"supported", {kModernRevision}}, {"requested", version}};
    stream->Respond(400, {},
                    WriteError(message ? message->id : "null", code::kUnsupportedVersion,
                               "the header MCP-Protocol-Version names no known revision", data));
    return std::make_unique<DoneExchange>();
  }
  return PostLegacy(input, message, std::move(stream));
}

std::unique_ptr<HttpEndpoint::Exchange> HttpEndpoint::Impl::PostModern(
    const HttpInput& input, const Message& message, std::shared_ptr<HttpStream> stream) {
  if (message.kind != Message::Kind::kRequest) {
    const bool notification = message.kind == Message::Kind::kNotification;
    stream->Respond(notification ? 202 : 400, {}, "");
    return std::make_unique<DoneExchange>();
  }
  std::string mismatch = CompareHeaders(input, message);
  if (mismatch.empty() && message.method() == "tools/call") {
    const std::string_view name = FindJsonMember(message.params, "name");
    const auto tool =
        IsJsonString(name) ? server_.state().FindTool(DecodeJsonString(name)) : nullptr;
    if (tool != nullptr) {
      mismatch =
          CompareParameters(input, tool->tool.input, FindJsonMember(message.params, "arguments"));
    }
  }
  if (!mismatch.empty()) {
    RespondError(*stream, 400, code::kHeaderMismatch, mismatch, message.id);
    return std::make_unique<DoneExchange>();
  }
  const std::string_view meta = FindJsonMember(message.params, "_meta");
  const bool meta_is_right = IsJsonString(FindJsonMember(meta, meta::kVersion)) &&
                             IsJsonObject(FindJsonMember(meta, meta::kCapabilities));
  auto channel = std::make_shared<PostChannel>(
      std::move(stream), std::make_shared<EventStream>("", false, limits_),
      [meta_is_right](std::string_view answer) { return StatusOf(answer, meta_is_right); },
      HttpFields(), Accepts(input, "text/event-stream"));
  auto session = std::make_unique<ServerSession>(
      server_, nullptr,
      ServerSession::Options{.principal = std::string(input.principal),
                             .era = Era::kModern,
                             .writes_on_workers = true});
  session->Receive(input.body, channel);
  return std::make_unique<PostExchange>(std::move(channel), std::move(session));
}

std::unique_ptr<HttpEndpoint::Exchange> HttpEndpoint::Impl::PostLegacy(
    const HttpInput& input, const std::optional<Message>& message,
    std::shared_ptr<HttpStream> stream) {
  const bool opens = message && message->kind == Message::Kind::kRequest &&
                     message->method() == "initialize" && input.header("mcp-session-id").empty();
  std::shared_ptr<HttpSession> session;
  HttpFields headers;
  if (opens) {
    session = MakeSession(input.principal, true);
    if (session == nullptr) {
      RespondError(*stream, 503, code::kInternalError, "too many sessions are open", message->id);
      return std::make_unique<DoneExchange>();
    }
    headers.emplace_back("Mcp-Session-Id", session->id);
  } else {
    session = FindSession(input, *stream);
    if (session == nullptr) return std::make_unique<DoneExchange>();
  }
  auto events =
      std::make_shared<EventStream>(std::to_string(++session->last_stream), true, limits_);
  session->Keep(events);
  auto channel = std::make_shared<PostChannel>(
      std::move(stream), std::move(events), [](std::string_view) { return 200; },
      std::move(headers), Accepts(input, "text/event-stream"));
  session->session->Receive(input.body, channel);
  return std::make_unique<PostExchange>(std::move(channel), nullptr);
}

std::unique_ptr<HttpEndpoint::Exchange> HttpEndpoint::Impl::Get(
    const HttpInput& input, std::shared_ptr<HttpStream> stream) {
  const auto done = [] { return std::make_unique<DoneExchange>(); };
  if (input.header("mcp-protocol-version") == kModernRevision) {
    RespondError(*stream, 405, code::kInvalidRequest, "this revision has POST alone", "null",
                 {{"Allow", "POST"}});
    return done();
  }
  if (!Accepts(input, "text/event-stream")) {
    RespondError(*stream, 406, code::kInvalidRequest, "a GET must accept text/event-stream");
    return done();
  }
  const auto session = FindSession(input, *stream);
  if (session == nullptr) return done();
  std::shared_ptr<EventStream> events = session->own;
  uint64_t after = 0;
  const std::string_view last = input.header("last-event-id");
  if (!last.empty()) {
    const auto position = EventStream::ParseEventId(last);
    if (position && position->first != events->id()) {
      const std::lock_guard lock(session->mutex);
      const auto found = session->streams.find(position->first);
      events = found == session->streams.end() ? nullptr : found->second;
    }
    if (!position || events == nullptr) {
      RespondError(*stream, 400, code::kInvalidRequest,
                   "Last-Event-ID names no event of this "
                   "session");
      return done();
    }
    after = position->second;
  } else {
    after = events->last();
  }
  if (!events->Attach(stream, StreamHeaders(), after)) {
    RespondError(*stream, 400, code::kInvalidRequest, "the events after Last-Event-ID are gone");
    return done();
  }
  return std::make_unique<StreamExchange>(std::move(events), std::move(stream), nullptr);
}

void HttpEndpoint::Impl::Delete(const HttpInput& input, HttpStream& stream) {
  if (input.header("mcp-protocol-version") == kModernRevision) {
    return RespondError(stream, 405, code::kInvalidRequest, "this revision has POST alone", "null",
                        {{"Allow", "POST"}});
  }
  const auto session = FindSession(input, stream);
  if (session == nullptr) return;
  Remove(session->id);
  stream.Respond(204, {}, "");
}

std::unique_ptr<HttpEndpoint::Exchange> HttpEndpoint::Impl::Sse(
    const HttpInput& input, std::shared_ptr<HttpStream> stream) {
  const auto session = MakeSession(input.principal, false);
  if (session == nullptr) {
    RespondError(*stream, 503, code::kInternalError, "too many sessions are open");
    return std::make_unique<DoneExchange>();
  }
  session->own->Attach(stream, StreamHeaders(), 0);
  session->own->SendNamed("endpoint", limits_.messages_path + "?sessionId=" + session->id);
  return std::make_unique<StreamExchange>(session->own, std::move(stream),
                                          [this, id = session->id] { Remove(id); });
}

void HttpEndpoint::Impl::Messages(const HttpInput& input, HttpStream& stream) {
  constexpr std::string_view kParameter = "sessionId=";
  const size_t at = input.query.find(kParameter);
  const std::string_view id =
      at == std::string_view::npos
          ? std::string_view()
          : input.query.substr(at + kParameter.size())
                .substr(0, input.query.substr(at + kParameter.size()).find('&'));
  const auto session = Lookup(id, input.principal);
  if (session == nullptr) {
    return RespondError(stream, 404, code::kInvalidRequest, "there is no such session");
  }
  stream.Respond(202, {}, "");
  session->session->Receive(input.body, std::make_shared<OwnChannel>(session->own));
}

std::shared_ptr<HttpSession> HttpEndpoint::Impl::Lookup(std::string_view id,
                                                        std::string_view principal) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second->principal != principal) return nullptr;
  found->second->last_used = Now();
  return found->second;
}

std::shared_ptr<HttpSession> HttpEndpoint::Impl::FindSession(const HttpInput& input,
                                                             HttpStream& stream) {
  const std::string_view id = input.header("mcp-session-id");
  if (id.empty()) {
    RespondError(stream, 400, code::kInvalidRequest,
                 "the header Mcp-Session-Id is missing; a session begins with initialize");
    return nullptr;
  }
  auto session = Lookup(id, input.principal);
  if (session == nullptr) {
    RespondError(stream, 404, code::kInvalidRequest,
                 "this session has ended; begin another one with initialize");
  }
  return session;
}

std::shared_ptr<HttpSession> HttpEndpoint::Impl::MakeSession(std::string_view principal,
                                                             bool resumable) {
  auto session = std::make_shared<HttpSession>();
  session->id = RandomHex(16);
  session->principal = principal;
  session->own = std::make_shared<EventStream>("0", resumable, limits_);
  session->session = std::make_unique<ServerSession>(
      server_, std::make_shared<OwnChannel>(session->own),
      ServerSession::Options{
          .principal = session->id, .era = Era::kLegacy, .writes_on_workers = true});
  session->last_used = Now();
  std::vector<std::shared_ptr<HttpSession>> old;  // ended outside the lock
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= limits_.max_sessions) {
    const int64_t idle = std::chrono::duration_cast<MonotonicPoint::duration>(limits_.idle).count();
    for (auto at = sessions_.begin(); at != sessions_.end();) {
      const bool is_idle = Now() - at->second->last_used > idle;
      if (is_idle) old.push_back(std::move(at->second));
      at = is_idle ? sessions_.erase(at) : std::next(at);
    }
    if (sessions_.size() >= limits_.max_sessions) return nullptr;
  }
  sessions_[session->id] = session;
  return session;
}

void HttpEndpoint::Impl::Remove(const std::string& id) {
  std::shared_ptr<HttpSession> session;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    session = std::move(found->second);
    sessions_.erase(found);
  }
  session->session->Close();
  session->own->End();
}

void HttpEndpoint::Impl::Close() {
  std::map<std::string, std::shared_ptr<HttpSession>, std::less<>> sessions;
  {
    const std::lock_guard lock(mutex_);
    sessions.swap(sessions_);
  }
  for (const auto& [id, session] : sessions) {
    session->session->Close();
    session->own->End();
  }
}

HttpEndpoint::HttpEndpoint(Server& server, const Clock& clock, HttpLimits limits)
    : impl_(std::make_shared<Impl>(server, clock, std::move(limits))) {}
HttpEndpoint::~HttpEndpoint() { impl_->Close(); }

std::unique_ptr<HttpEndpoint::Exchange> HttpEndpoint::Handle(const HttpInput& input,
                                                             std::shared_ptr<HttpStream> stream) {
  if (input.method == "POST") return impl_->Post(input, std::move(stream));
  if (input.method == "GET") return impl_->Get(input, std::move(stream));
  if (input.method == "DELETE") {
    impl_->Delete(input, *stream);
  } else {
    RespondError(*stream, 405, code::kInvalidRequest, "use POST, GET or DELETE", "null",
                 {{"Allow", "POST, GET, DELETE"}});
  }
  return std::make_unique<DoneExchange>();
}

std::unique_ptr<HttpEndpoint::Exchange> HttpEndpoint::HandleSse(
    const HttpInput& input, std::shared_ptr<HttpStream> stream) {
  return impl_->Sse(input, std::move(stream));
}

std::unique_ptr<HttpEndpoint::Exchange> HttpEndpoint::HandleMessages(
    const HttpInput& input, std::shared_ptr<HttpStream> stream) {
  impl_->Messages(input, *stream);
  return std::make_unique<DoneExchange>();
}

size_t HttpEndpoint::sessions() const { return impl_->sessions(); }
void HttpEndpoint::Close() { impl_->Close(); }

}  // namespace hearth::mcp
