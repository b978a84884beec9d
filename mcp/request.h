// Request: what a tool, a resource or a prompt may know of the request that it answers, and what it
// may say to the client meanwhile.
#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/protocol.h"
#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::mcp {

// The levels of RFC 5424, as MCP spells them.
enum class LogSeverity { kDebug, kInfo, kNotice, kWarning, kError, kCritical, kAlert, kEmergency };
const char* ToString(LogSeverity severity);
std::optional<LogSeverity> ParseLogSeverity(std::string_view name);

// Something to be asked of the client: elicitation/create, sampling/createMessage or roots/list.
struct Question {
  std::string key;  // names it among the questions of one request
  std::string method;
  Json params;
};

// Thread-safe.
class Request {
 public:
  virtual ~Request() = default;
  virtual Era era() const = 0;
  // Names the call in logs and as an idempotency key; unique in the process.
  virtual std::string call_id() const = 0;
  virtual const Json& client_capabilities() const = 0;
  // Requested when the client cancels, goes away, or the server ends.
  virtual std::stop_token stop() const = 0;

  // Does nothing where the client did not ask for progress; `done` must grow from call to call.
  virtual void Progress(double done, std::optional<double> total, std::string_view message) = 0;
  // Does nothing below the level that the client asked for.
  virtual void Log(LogSeverity severity, std::string_view logger, const Json& data) = 0;

  // True where the client has said that it answers such a question.
  virtual bool CanAsk(std::string_view method) const = 0;
  // True where Ask waits for the answer; false where it ends the handler, which then runs again.
  virtual bool WaitsForAnswers() const = 0;
  // Asks and returns the answers in order. In the legacy era the calling thread waits (so the tool
  // must run on a worker). In the modern era the first run of a handler ends here with an Error,
  // which it passes on: the client gets the questions, sends its request once more with the
  // answers, and the handler runs again from its beginning; so it should ask before it acts. Where
  // `sealed`, an answer counts only with the request state that we signed when we asked: not
  // without our having asked, not for other arguments, not after ten minutes. Errors: kUnsupported,
  // where the client answers no such questions; kCancelled.
  virtual Result<std::vector<Json>> Ask(std::span<const Question> questions,
                                        bool sealed = true) = 0;
  // From here on the call takes long: a client that knows tasks gets a task in answer, and polls.
  // Questions are then asked through the task, and the calling thread waits.
  virtual void Detach() = 0;
  // Makes the request end with this protocol error, whatever the handler then returns.
  virtual Error Fail(int code, std::string message, Json data = nullptr) = 0;
  // Channel::Pause.
  virtual void Pause() = 0;
};

}  // namespace hearth::mcp
