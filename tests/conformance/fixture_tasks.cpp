// Tools for the tasks extension.
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "tests/conformance/fixture.h"

namespace hearth::mcp::fixture {
namespace {

using Run = ServerTool::Run;

// False where the call was cancelled meanwhile.
bool Sleep(std::chrono::milliseconds time, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

Result<ToolReply> SlowCompute(const Json& arguments, Request& request) {
  const Json* seconds = FindMember(arguments, "seconds");
  const double time = seconds == nullptr ? 1 : seconds->get<double>();
  if (!Sleep(std::chrono::milliseconds(static_cast<int64_t>(time * 1000)), request.stop())) {
    return MakeError(ErrorCode::kCancelled, "cancelled");
  }
  return Say("Computed for " + DumpJson(Json(time)) + " seconds.");
}

Result<ToolReply> FailLater(const Json&, Request& request) {
  Sleep(std::chrono::milliseconds(1000), request.stop());
  return ToolReply::Failure("The job failed, as it should.");
}

Result<ToolReply> ConfirmDelete(const Json& arguments, Request& request) {
  const Question question =
      Elicit("confirm", "Delete " + arguments.value("filename", "the file") + "?",
             {{"confirm", {{"type", "boolean"}}}}, {"confirm"});
  HEARTH_TRY(const auto answers, request.Ask({&question, 1}));
  return Say("Answered: " + DumpJson(answers[0]));
}

Result<ToolReply> AskTwoAtOnce(const Json&, Request& request) {
  const std::vector<Question> questions = {
      Elicit("first", "Your name?", {{"name", {{"type", "string"}}}}, Json::array()),
      Elicit("second", "Your pet's name?", {{"name", {{"type", "string"}}}}, Json::array())};
  HEARTH_TRY(const auto answers, request.Ask(questions));
  return Say("Answered: " + DumpJson(answers[0]) + DumpJson(answers[1]));
}

// Asks in rounds of the request, then becomes a task.
Result<ToolReply> AskThenWork(const Json&, Request& request) {
  const Question question =
      Elicit("user_name", "What is your name?", {{"name", {{"type", "string"}}}}, {"name"});
  HEARTH_TRY(const auto answers, request.Ask({&question, 1}));
  request.Detach();
  Sleep(std::chrono::milliseconds(200), request.stop());
  return Say("Worked for " + DumpJson(answers[0]));
}

}  // namespace

Status AddTaskTools(Server& server) {
  auto greet = Make("greet", "Greets", Run::kInline, [](const Json& arguments, Request&) {
    return Say("Hello, " + arguments.at("name").get<std::string>() + "!");
  });
  greet.input = Object({{"name", {{"type", "string"}}}}, {"name"});
  auto slow = Make("slow_compute", "Takes its time", Run::kTask, SlowCompute);
  slow.input = Object({{"seconds", {{"type", "number"}, {"minimum", 0}, {"maximum", 600}}},
                       {"label", {{"type", "string"}}}});
  auto failing = Make("failing_job", "Fails after a second", Run::kTask, FailLater);
  failing.needs_task = true;
  auto protocol_error =
      Make("protocol_error_job", "Ends in a protocol error", Run::kTask,
           [](const Json&, Request& request) -> Result<ToolReply> {
             return request.Fail(code::kInternalError, "The job broke down, as it should.");
           });
  auto confirm = Make("confirm_delete", "Asks before it deletes", Run::kTask, ConfirmDelete);
  confirm.input = Object({{"filename", {{"type", "string"}}}});
  auto later = Make("test_tool_with_task", "Asks, then works", Run::kWorker, AskThenWork);
  later.needs_task = true;
  for (ServerTool& tool : std::vector<ServerTool>{
           greet, slow, failing, protocol_error, confirm,
           Make("multi_input", "Asks two questions at once", Run::kTask, AskTwoAtOnce), later}) {
    HEARTH_CHECK_OK(server.AddTool(std::move(tool)));
  }
  return {};
}

}  // namespace hearth::mcp::fixture
