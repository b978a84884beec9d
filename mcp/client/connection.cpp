#include "mcp/client/connection.h"

#include <algorithm>
#include <utility>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/jsonrpc/message.h"
#include "mcp/protocol.h"
#include "runtime/base/log.h"

namespace hearth::mcp {
namespace {

using SteadyClock = std::chrono::steady_clock;

Answer ReadAnswer(bool is_result, std::string_view body) {
  Answer answer;
  auto parsed = ToJson(body);
  if (!parsed.ok()) {
    answer.error_code = code::kInternalError;
    answer.error_message = "the answer cannot be used: " + parsed.error().message;
    return answer;
  }
  if (is_result) {
    answer.result = *std::move(parsed);
    return answer;
  }
  const Json* number = FindMember(*parsed, "code");
  const Json* message = FindMember(*parsed, "message");
  const Json* data = FindMember(*parsed, "data");
  answer.error_code =
      number != nullptr && number->is_number_integer() ? number->get<int>() : code::kInternalError;
  answer.error_message =
      message != nullptr && message->is_string() ? message->get<std::string>() : "no reason given";
  if (data != nullptr) answer.error_data = *data;
  return answer;
}

}  // namespace

Connection::Connection(std::unique_ptr<ClientTransport> transport, OnRequest on_request,
                       OnNotification on_notification)
    : transport_(std::move(transport)),
      on_request_(std::move(on_request)),
      on_notification_(std::move(on_notification)) {
  transport_->Start(
      {.message = [this](std::string_view text) { Take(text); },
       .failure = [this](std::string_view id, const Error& error) { TakeFailure(id, error); },
       .end =
           [this] {
             const std::lock_guard lock(mutex_);
             ended_ = true;
             changed_.notify_all();
           }});
}

Connection::~Connection() { Close(); }

std::string Connection::Close() { return transport_->Close(); }

bool Connection::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

void Connection::Take(std::string_view text) {
  const auto read = ReadMessage(text);
  const auto* message = std::get_if<Message>(&read);
  if (message == nullptr) {
    // Programs print banners and warnings; that is no reason to give them up.
    if (++junk_ == 1) {
      Log(LogLevel::kDebug, "a server wrote what is no message: ", text.substr(0, 200));
    }
    return;
  }
  switch (message->kind) {
    case Message::Kind::kResult:
    case Message::Kind::kError:
      TakeAnswer(message->id, message->kind == Message::Kind::kResult, message->body);
      return;
    case Message::Kind::kNotification:
      if (message->method() == "notifications/progress") {
        TakeProgress(message->params);
      } else {
        on_notification_(std::string(message->method()));
      }
      return;
    case Message::Kind::kRequest:
      break;
  }
  const bool taken =
      workers_.Submit([this, id = std::string(message->id), method = std::string(message->method()),
                       params = std::string(message->params)] {
        auto given = params.empty() ? Result<Json>(Json::object()) : ToJson(params);
        auto result = given.ok() ? on_request_(method, *given) : Result<Json>(given.error());
        const std::string answer =
            result.ok()
                ? WriteResult(id, WriteJson(*result))
                : WriteError(id,
                             result.error().code == ErrorCode::kUnsupported ? code::kMethodNotFound
                                                                            : code::kInvalidParams,
                             result.error().message);
        (void)transport_->Send(answer, {}).ok();
      });
  if (!taken) {
    (void)transport_->Send(WriteError(message->id, code::kInternalError, "too many requests"), {})
        .ok();
  }
}

void Connection::TakeAnswer(std::string_view id, bool is_result, std::string_view body) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(id);
  if (found != waiting_.end()) {  // else it is late, or was never asked
    found->second->answer = ReadAnswer(is_result, body);
    changed_.notify_all();
  }
  CloseOpen(id);
}

void Connection::TakeFailure(std::string_view id, const Error& error) {
  const std::lock_guard lock(mutex_);
  if (const auto found = waiting_.find(id); found != waiting_.end()) {
    found->second->answer = error;
    changed_.notify_all();
  }
  CloseOpen(id);
}

void Connection::CloseOpen(std::string_view id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  found->second();
  open_.erase(found);
}

Status Connection::Open(std::string_view method, const Json& params,
                        std::function<void()> on_over) {
  std::string id;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return MakeError(ErrorCode::kIo, "the server has gone");
    id = std::to_string(++last_id_);
    open_[id] = std::move(on_over);
  }
  return transport_->Send(WriteRequest(id, method, WriteJson(params)), {});
}

void Connection::TakeProgress(std::string_view params) {
  const auto given = ToJson(params.empty() ? "{}" : params);
  const Json* done = given.ok() ? FindMember(*given, "progress") : nullptr;
  if (done == nullptr || !done->is_number()) return;
  const Json* total = FindMember(*given, "total");
  const Json* message = FindMember(*given, "message");
  ProgressSink sink;
  {
    const std::lock_guard lock(mutex_);
    // The token of a request is its id.
    const auto found = waiting_.find(FindJsonMember(params, "progressToken"));
    if (found == waiting_.end()) return;
    found->second->last_sign = SteadyClock::now();
    sink = found->second->progress;
  }
  if (sink == nullptr) return;
  sink(done->get<double>(),
       total != nullptr && total->is_number() ? std::optional(total->get<double>()) : std::nullopt,
       message != nullptr && message->is_string() ? message->get<std::string>() : std::string());
}

Result<Answer> Connection::Ask(std::string_view method, Json params, const Patience& patience,
                               std::stop_token stop, const ProgressSink& progress,
                               const Headers& headers) {
  const auto waiting = std::make_shared<Waiting>();
  const auto start = SteadyClock::now();
  waiting->last_sign = start;
  waiting->progress = progress;
  std::string id;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return MakeError(ErrorCode::kIo, "the server has gone");
    id = std::to_string(++last_id_);
    waiting_[id] = waiting;
  }
  params["_meta"]["progressToken"] = *ToJson(id);
  const Status sent = transport_->Send(WriteRequest(id, method, WriteJson(params)), headers);
  std::unique_lock lock(mutex_);
  struct Forget {
    Connection& owner;
    const std::string& id;
    ~Forget() { owner.waiting_.erase(id); }
  } forget{*this, id};
  if (!sent.ok()) return sent.error();
  const auto is_over = [&] { return waiting->answer.has_value() || ended_; };
  bool too_late = false;
  while (!is_over() && !stop.stop_requested() && !too_late) {
    const auto deadline = std::min(waiting->last_sign + patience.silence, start + patience.longest);
    changed_.wait_until(lock, stop, deadline, is_over);
    too_late = SteadyClock::now() >=
               std::min(waiting->last_sign + patience.silence, start + patience.longest);
  }
  if (waiting->answer) return *std::move(waiting->answer);
  if (ended_) return MakeError(ErrorCode::kIo, "the server ended before it answered");
  lock.unlock();
  (void)Notify("notifications/cancelled", {{"requestId", *ToJson(id)}}).ok();
  lock.lock();
  if (stop.stop_requested()) return MakeError(ErrorCode::kCancelled, "the call was cancelled");
  return MakeError(ErrorCode::kResourceExhausted, "the server did not answer ", method, " in time");
}

Status Connection::Notify(std::string_view method, const Json& params) {
  return transport_->Send(
      WriteNotification(method, params.is_null() ? std::string() : WriteJson(params)), {});
}

}  // namespace hearth::mcp
