// Call: one request of a client that a handler of ours is answering.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/channel.h"
#include "mcp/request.h"
#include "mcp/server/session_impl.h"
#include "mcp/server/task_table.h"

namespace hearth::mcp {

// The members of a tool's result as JSON text: ToolReply::written.
std::string WriteMembers(const ToolReply& reply);

class Call : public Request, public std::enable_shared_from_this<Call> {
 public:
  // Copies what it needs of the head.
  Call(std::shared_ptr<ServerSession::Impl> session, std::shared_ptr<Channel> channel,
       const RequestHead& head);

  // ---- Request ----
  Era era() const override { return era_; }
  std::string call_id() const override { return call_id_; }
  const Json& client_capabilities() const override { return *capabilities_; }
  std::stop_token stop() const override { return stop_.get_token(); }
  void Progress(double done, std::optional<double> total, std::string_view message) override;
  void Log(LogSeverity severity, std::string_view logger, const Json& data) override;
  bool CanAsk(std::string_view method) const override;
  bool WaitsForAnswers() const override { return era_ == Era::kLegacy || task_ != nullptr; }
  Result<std::vector<Json>> Ask(std::span<const Question> questions, bool sealed) override;
  void Detach() override;
  Error Fail(int code, std::string message, Json data) override;
  void Pause() override { channel_->Pause(); }

  // ---- For the session ----
  const std::string& id() const { return id_; }
  bool KnowsTasks() const;
  // What the client answered in this round and, sealed, in earlier ones; `request` is what the
  // next state is sealed for.
  void SetAnswers(std::string request, Json answers, Json sealed_answers, bool has_state);
  // No answer is wanted any more.
  void Cancel();
  // Ends the call with the result that `write` writes, or with what else became of it: a protocol
  // error, questions, no answer at all.
  void Conclude(const Result<ToolReply>& reply);
  void Conclude(std::string answer);
  // As Conclude, for handlers whose errors are protocol errors: true where that is what came of it.
  bool ConcludeFailure(const Status& status, int error_code);

 private:
  // An end that is none of the handler's results; true where there is one.
  bool ConcludeOtherwise(bool failed);
  void Finish(std::string_view answer);
  std::optional<Json> FindAnswer(const Question& question, bool sealed) const;
  std::string WriteReply(const ToolReply& reply) const;
  std::string WriteQuestions();
  Json ReplyToJson(const ToolReply& reply) const;

  const std::shared_ptr<ServerSession::Impl> session_;
  const std::shared_ptr<Channel> channel_;
  const Era era_;
  const std::string id_;
  const std::string call_id_;
  std::string progress_token_;  // its JSON text; empty where no progress is wanted
  std::optional<LogSeverity> log_level_;
  std::shared_ptr<const Json> capabilities_;
  std::stop_source stop_;

  mutable std::mutex mutex_;
  double progress_ = -1;
  bool finished_ = false;
  std::atomic<bool> cancelled_ = false;
  std::string sealed_for_;
  Json answers_ = Json::object();
  Json sealed_answers_ = Json::object();
  bool has_state_ = false;
  std::vector<Question> open_;
  std::string missing_capability_;
  struct ProtocolError {
    int code;
    std::string message;
    Json data;
  };
  std::optional<ProtocolError> protocol_error_;
  std::shared_ptr<Task> task_;
};

}  // namespace hearth::mcp
