#include "mcp/server/call.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/server/result_writer.h"
#include "tools/argument_schema.h"

namespace hearth::mcp {
namespace {

// Which capability answers a question.
std::string_view CapabilityFor(std::string_view method) {
  if (method == "elicitation/create") return "elicitation";
  if (method == "sampling/createMessage") return "sampling";
  if (method == "roots/list") return "roots";
  return {};
}

// Whether this can be the answer to that question; a wrong one is as good as none.
bool Fits(const Question& question, const Json& answer) {
  if (!answer.is_object()) return false;
  if (question.method == "roots/list") return answer.contains("roots");
  if (question.method == "sampling/createMessage") return answer.contains("content");
  const Json* action = FindMember(answer, "action");
  if (action == nullptr) return false;
  if (*action == "decline" || *action == "cancel") return true;
  if (*action != "accept") return false;
  const Json* schema = FindMember(question.params, "requestedSchema");
  if (schema == nullptr) return true;  // a URL was shown: there is nothing to fill in
  const Json* content = FindMember(answer, "content");
  if (content == nullptr || !content->is_object()) return false;
  const auto checker = tools::ArgumentSchema::Compile(*schema);
  return !checker.ok() || checker->Validate(*content).ok();
}

void AppendContent(std::string& out, const ToolReply& reply) {
  if (!reply.content.is_null()) {
    AppendJson(out, reply.content);
    return;
  }
  out += R"([{"type":"text","text":)";
  AppendJsonString(out, reply.text);
  out += "}]";
}

Json MissingCapability(std::string_view capability) {
  return {{"requiredCapabilities", {{std::string(capability), Json::object()}}}};
}

}  // namespace

Call::Call(std::shared_ptr<ServerSession::Impl> session, std::shared_ptr<Channel> channel,
           const RequestHead& head)
    : session_(std::move(session)),
      channel_(std::move(channel)),
      era_(head.era),
      id_(head.id),
      call_id_("mcp-" + std::to_string(++session_->state().calls)) {
  if (!head.meta.empty()) {
    progress_token_ = FindJsonMember(head.meta, "progressToken");
    if (progress_token_.size() > 1024 || progress_token_.starts_with('{') ||
        progress_token_.starts_with('[')) {
      progress_token_.clear();
    }
  }
  if (era_ == Era::kModern) {
    auto capabilities = ToJson(head.capabilities);
    capabilities_ =
        std::make_shared<const Json>(capabilities.ok() ? *std::move(capabilities) : Json::object());
    const std::string_view level = FindJsonMember(head.meta, meta::kLogLevel);
    if (IsJsonString(level)) log_level_ = ParseLogSeverity(DecodeJsonString(level));
  } else {
    capabilities_ = session_->client_capabilities();
  }
}

void Call::Progress(double done, std::optional<double> total, std::string_view message) {
  if (!std::isfinite(done)) return;
  const std::lock_guard lock(mutex_);
  if (task_ != nullptr && !message.empty()) task_->Say(message);
  if (finished_ || cancelled_ || progress_token_.empty() || done <= progress_) return;
  progress_ = done;
  std::string params = R"({"progressToken":)" + progress_token_ + R"(,"progress":)";
  AppendJson(params, Json(done));
  if (total) {
    params += R"(,"total":)";
    AppendJson(params, Json(*total));
  }
  if (!message.empty()) {
    params += R"(,"message":)";
    AppendJsonString(params, message);
  }
  params += '}';
  channel_->Send(WriteNotification("notifications/progress", params));
}

void Call::Log(LogSeverity severity, std::string_view logger, const Json& data) {
  const bool wanted =
      era_ == Era::kModern ? log_level_ && severity >= *log_level_ : session_->LogsAt(severity);
  if (!wanted) return;
  Json params = {{"level", ToString(severity)}};
  if (!logger.empty()) params["logger"] = logger;
  params["data"] = data;
  const std::lock_guard lock(mutex_);
  if (finished_ || cancelled_) return;
  channel_->Send(WriteNotification("notifications/message", WriteJson(params)));
}

bool Call::CanAsk(std::string_view method) const {
  const Json* capability = FindMember(*capabilities_, CapabilityFor(method));
  if (capability == nullptr || !capability->is_object()) return false;
  // An elicitation capability that names only "url" shows no forms.
  return method != "elicitation/create" || capability->empty() || capability->contains("form");
}

bool Call::KnowsTasks() const {
  const Json* extensions = FindMember(*capabilities_, "extensions");
  return era_ == Era::kModern && extensions != nullptr &&
         FindMember(*extensions, kTasksExtension) != nullptr;
}

std::optional<Json> Call::FindAnswer(const Question& question, bool sealed) const {
  if (const Json* earlier = FindMember(sealed_answers_, question.key)) return *earlier;
  if (sealed && !has_state_) return std::nullopt;
  const Json* answer = FindMember(answers_, question.key);
  if (answer == nullptr || !Fits(question, *answer)) return std::nullopt;
  return *answer;
}

Result<std::vector<Json>> Call::Ask(std::span<const Question> questions, bool sealed) {
  for (const Question& question : questions) {
    if (CanAsk(question.method)) continue;
    const std::lock_guard lock(mutex_);
    missing_capability_ = CapabilityFor(question.method);
    return MakeError(ErrorCode::kUnsupported, "this needs a client with the capability '",
                     missing_capability_, "'");
  }
  if (task_ != nullptr) return task_->Ask(questions);
  std::vector<Json> answers;
  if (era_ == Era::kLegacy) {
    for (const Question& question : questions) {
      HEARTH_TRY(Json answer, session_->AskClient(*channel_, question, stop_.get_token()));
      answers.push_back(std::move(answer));
    }
    return answers;
  }
  const std::lock_guard lock(mutex_);
  for (const Question& question : questions) {
    if (auto answer = FindAnswer(question, sealed)) {
      sealed_answers_[question.key] = *answer;
      answers.push_back(*std::move(answer));
    } else {
      open_.push_back(question);
    }
  }
  if (!open_.empty()) return MakeError(ErrorCode::kCancelled, "the client is asked first");
  return answers;
}

void Call::Detach() {
  if (task_ != nullptr || !KnowsTasks()) return;
  auto task = session_->state().tasks.Create(session_->principal(), stop_);
  if (task == nullptr) return;  // too many: it goes on as an ordinary call
  ResultWriter writer(id_, era_, session_->state().implementation, nullptr, "task");
  writer.Members(task->Describe(false));
  const std::lock_guard lock(mutex_);
  task_ = std::move(task);
  if (!finished_ && !cancelled_) {
    finished_ = true;
    channel_->Finish(std::move(writer).Take());
  }
  session_->Forget(*this);
}

Error Call::Fail(int code, std::string message, Json data) {
  const std::lock_guard lock(mutex_);
  protocol_error_ = ProtocolError{code, message, std::move(data)};
  return MakeError(ErrorCode::kInternal, message);
}

void Call::SetAnswers(std::string request, Json answers, Json sealed_answers, bool has_state) {
  sealed_for_ = std::move(request);
  answers_ = std::move(answers);
  sealed_answers_ = std::move(sealed_answers);
  has_state_ = has_state;
}

void Call::Cancel() {
  cancelled_ = true;
  stop_.request_stop();
}

void Call::Finish(std::string_view answer) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true)) return;
  }
  session_->Forget(*this);
  channel_->Finish(cancelled_ ? std::string_view() : answer);
}

std::string Call::WriteQuestions() {
  ResultWriter writer(id_, era_, session_->state().implementation, nullptr, "input_required");
  Json requests = Json::object();
  for (const Question& question : open_) {
    requests[question.key] = {{"method", question.method}};
    if (!question.params.is_null()) requests[question.key]["params"] = question.params;
  }
  AppendJson(writer.Member("inputRequests"), requests);
  AppendJsonString(
      writer.Member("requestState"),
      session_->state().sealer.Seal(session_->principal(), sealed_for_, sealed_answers_));
  return std::move(writer).Take();
}

bool Call::ConcludeOtherwise(bool failed) {
  if (protocol_error_) {
    if (task_ != nullptr) {
      Json error = {{"code", protocol_error_->code}, {"message", protocol_error_->message}};
      if (!protocol_error_->data.is_null()) error["data"] = protocol_error_->data;
      task_->Fail(std::move(error));
    }
    Finish(WriteError(id_, protocol_error_->code, protocol_error_->message, protocol_error_->data));
    return true;
  }
  if (!open_.empty()) {
    Finish(WriteQuestions());
    return true;
  }
  if (failed && !missing_capability_.empty() && era_ == Era::kModern) {
    const std::string message = "this needs a client with the capability " + missing_capability_;
    const Json data = MissingCapability(missing_capability_);
    if (task_ != nullptr) {
      task_->Fail({{"code", code::kMissingCapability}, {"message", message}, {"data", data}});
    }
    Finish(WriteError(id_, code::kMissingCapability, message, data));
    return true;
  }
  return false;
}

bool Call::ConcludeFailure(const Status& status, int error_code) {
  if (ConcludeOtherwise(!status.ok())) return true;
  if (status.ok()) return false;
  Finish(WriteError(id_, error_code, status.error().message));
  return true;
}

std::string WriteMembers(const ToolReply& reply) {
  std::string out = R"("content":)";
  AppendContent(out, reply);
  if (!reply.structured.is_null()) {
    out += R"(,"structuredContent":)";
    AppendJson(out, reply.structured);
  }
  out += reply.is_error ? R"(,"isError":true)" : R"(,"isError":false)";
  return out;
}

Json Call::ReplyToJson(const ToolReply& reply) const {
  if (reply.written != nullptr) return *ToJson("{" + *reply.written + "}");
  Json result = Json::object();
  if (reply.meta.is_object()) result["_meta"] = reply.meta;
  result["content"] = reply.content.is_null()
                          ? Json::array({{{"type", "text"}, {"text", reply.text}}})
                          : reply.content;
  if (!reply.structured.is_null()) result["structuredContent"] = reply.structured;
  result["isError"] = reply.is_error;
  return result;
}

std::string Call::WriteReply(const ToolReply& reply) const {
  ResultWriter writer(id_, era_, session_->state().implementation, reply.meta);
  if (reply.written != nullptr) {
    writer.Written(*reply.written);
  } else {
    AppendContent(writer.Member("content"), reply);
    if (!reply.structured.is_null()) {
      AppendJson(writer.Member("structuredContent"), reply.structured);
    }
    writer.Member("isError") += reply.is_error ? "true" : "false";
  }
  return std::move(writer).Take();
}

void Call::Conclude(const Result<ToolReply>& reply) {
  if (ConcludeOtherwise(!reply.ok())) return;
  const ToolReply failure = reply.ok() ? ToolReply() : ToolReply::Failure(reply.error().message);
  const ToolReply& shown = reply.ok() ? *reply : failure;
  if (task_ != nullptr) {
    task_->Complete(ReplyToJson(shown));
    return;
  }
  Finish(WriteReply(shown));
}

void Call::Conclude(std::string answer) { Finish(answer); }

}  // namespace hearth::mcp
