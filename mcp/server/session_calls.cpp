// tools/call, resources/read, prompts/get, tasks/*: requests that handlers answer.
#include <exception>
#include <utility>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/server/call.h"
#include "mcp/server/result_writer.h"
#include "mcp/server/session_impl.h"
#include "runtime/base/log.h"

namespace hearth::mcp {
namespace {

// Runs a handler; what it throws is a failure of this call alone.
template <typename Handler>
auto RunGuarded(std::string_view what, Handler handler) -> decltype(handler()) {
  try {
    return handler();
  } catch (const std::exception& exception) {
    Log(LogLevel::kError, what, " threw: ", exception.what());
    return MakeError(ErrorCode::kInternal, what, " failed inside; it may work another way");
  }
}

std::string WrongArguments(const ServerTool& tool, const std::string& why) {
  if (tool.example.is_null()) return why;
  return Concat(why, "; for example: ", WriteJson(tool.example));
}

}  // namespace

std::shared_ptr<Call> ServerSession::Impl::MakeCall(const RequestHead& head,
                                                    const std::shared_ptr<Channel>& channel) {
  return std::make_shared<Call>(shared_from_this(), channel, head);
}

std::string ServerSession::Impl::ReadAnswers(const RequestHead& head, std::string_view target,
                                             Call& call) const {
  if (head.era == Era::kLegacy) return {};
  const auto refuse = [&](const std::string& why) {
    return WriteError(head.id, code::kInvalidParams, why);
  };
  std::string request = Concat(head.method, "\n", target, "\n", head.arguments);
  const std::string_view given = head.responses;
  const std::string_view state = head.state;
  Json answers = Json::object();
  if (!given.empty()) {
    if (!IsJsonObject(given)) return refuse("params.inputResponses must be an object");
    auto parsed = ToJson(given);
    if (!parsed.ok()) return refuse(parsed.error().message);
    answers = *std::move(parsed);
  }
  Json sealed = Json::object();
  if (!state.empty()) {
    if (!IsJsonString(state)) return refuse("params.requestState must be a string");
    auto opened = state_.sealer.Open(options_.principal, request, DecodeJsonString(state));
    if (!opened.ok()) return refuse(opened.error().message);
    sealed = *std::move(opened);
  }
  call.SetAnswers(std::move(request), std::move(answers), std::move(sealed), !state.empty());
  return {};
}

void ServerSession::Impl::CallTool(const RequestHead& head,
                                   const std::shared_ptr<Channel>& channel) {
  const auto refuse = [&](const std::string& why, int error_code = code::kInvalidParams,
                          const Json& data = nullptr) {
    channel->Finish(WriteError(head.id, error_code, why, data));
  };
  const std::string_view name = head.name;
  if (!IsJsonString(name)) return refuse("params.name must be a string");
  const std::string decoded = DecodeJsonString(name);
  const auto entry = state_.FindTool(decoded);
  if (entry == nullptr) return refuse("unknown tool: " + decoded.substr(0, 128));
  const ServerTool& tool = entry->tool;

  Json arguments = Json::object();
  const std::string_view given = head.arguments;
  if (!given.empty() && given != "null") {
    if (!IsJsonObject(given)) return refuse("params.arguments must be an object");
    auto parsed = ToJson(given);
    if (!parsed.ok()) return refuse("params.arguments: " + parsed.error().message);
    arguments = *std::move(parsed);
  }
  const auto call = MakeCall(head, channel);
  if (tool.needs_task && head.era == Era::kModern && !call->KnowsTasks()) {
    const Json extension = {{std::string(kTasksExtension), Json::object()}};
    return refuse("this tool needs a client that knows tasks", code::kMissingCapability,
                  {{"requiredCapabilities", {{"extensions", extension}}}});
  }
  if (std::string error = ReadAnswers(head, decoded, *call); !error.empty()) {
    return channel->Finish(error);
  }
  if (entry->schema) {
    if (const Status status = entry->schema->Validate(arguments); !status.ok()) {
      call->Conclude(ToolReply::Failure(WrongArguments(tool, status.error().message)));
      return;
    }
  }
  const auto run = [entry, call, server = &server_](const Json& values) {
    call->Conclude(RunGuarded("the tool " + entry->tool.name,
                              [&] { return entry->tool.handler(values, *call); }));
    if (!entry->tool.read_only) server->LookForChanges();
  };
  const bool waits = tool.run == ServerTool::Run::kWorker || tool.run == ServerTool::Run::kTask ||
                     (options_.writes_on_workers && !tool.read_only) ||
                     (tool.run == ServerTool::Run::kAsks && call->WaitsForAnswers() &&
                      call->CanAsk("elicitation/create"));
  if (!waits) return run(arguments);
  if (!Remember(call))
    return refuse("a request with this id is still running", code::kInvalidRequest);
  if (tool.run == ServerTool::Run::kTask) call->Detach();
  const bool taken = state_.workers.Submit([run, values = std::move(arguments)]() { run(values); });
  if (!taken) {
    call->Conclude(MakeError(ErrorCode::kResourceExhausted,
                             "too many calls are waiting; try again in a moment"));
  }
}

void ServerSession::Impl::ReadResource(const RequestHead& head,
                                       const std::shared_ptr<Channel>& channel) {
  const std::string_view uri = head.uri;
  if (!IsJsonString(uri)) {
    return channel->Finish(
        WriteError(head.id, code::kInvalidParams, "params.uri must be a string"));
  }
  const std::string decoded = DecodeJsonString(uri);
  const auto call = MakeCall(head, channel);
  if (std::string error = ReadAnswers(head, decoded, *call); !error.empty()) {
    return channel->Finish(error);
  }
  const auto contents = RunGuarded("the resource", [&]() -> Result<Json> {
    return state_.resources.load()->Read(decoded, *call);
  });
  if (!contents.ok() && contents.error().code == ErrorCode::kNotFound) {
    const int error_code =
        head.era == Era::kLegacy ? code::kResourceNotFound : code::kInvalidParams;
    return call->Conclude(
        WriteError(head.id, error_code, contents.error().message, {{"uri", decoded}}));
  }
  const Status status = contents.ok() ? Status() : Status(contents.error());
  if (call->ConcludeFailure(status, code::kInternalError)) return;
  ResultWriter writer(head.id, head.era, state_.implementation);
  AppendJson(writer.Member("contents"), *contents);
  writer.Cache(head.era, 0);
  call->Conclude(std::move(writer).Take());
}

void ServerSession::Impl::GetPrompt(const RequestHead& head,
                                    const std::shared_ptr<Channel>& channel) {
  const std::string_view name = head.name;
  if (!IsJsonString(name)) {
    return channel->Finish(
        WriteError(head.id, code::kInvalidParams, "params.name must be a string"));
  }
  const std::string decoded = DecodeJsonString(name);
  Json arguments = Json::object();
  const std::string_view given = head.arguments;
  if (IsJsonObject(given)) {
    auto parsed = ToJson(given);
    if (!parsed.ok()) {
      return channel->Finish(WriteError(head.id, code::kInvalidParams, parsed.error().message));
    }
    arguments = *std::move(parsed);
  }
  const auto call = MakeCall(head, channel);
  if (std::string error = ReadAnswers(head, decoded, *call); !error.empty()) {
    return channel->Finish(error);
  }
  const auto prompt = RunGuarded("the prompt", [&]() -> Result<Json> {
    return state_.prompts.load()->Get(decoded, arguments, *call);
  });
  const bool ours = !prompt.ok() && prompt.error().code == ErrorCode::kInternal;
  const Status status = prompt.ok() ? Status() : Status(prompt.error());
  if (call->ConcludeFailure(status, ours ? code::kInternalError : code::kInvalidParams)) return;
  ResultWriter writer(head.id, head.era, state_.implementation);
  writer.Members(*prompt);
  call->Conclude(std::move(writer).Take());
}

std::string ServerSession::Impl::HandleTask(const RequestHead& head) const {
  const std::string_view extensions = FindJsonMember(head.capabilities, "extensions");
  if (FindJsonMember(extensions, kTasksExtension).empty()) {
    const Json extension = {{std::string(kTasksExtension), Json::object()}};
    return WriteError(head.id, code::kMissingCapability,
                      "tasks are for clients that declare the extension",
                      {{"requiredCapabilities", {{"extensions", extension}}}});
  }
  const std::string_view id = FindJsonMember(head.params, "taskId");
  const auto task =
      IsJsonString(id) ? state_.tasks.Find(DecodeJsonString(id), options_.principal) : nullptr;
  if (task == nullptr) {
    return WriteError(head.id, code::kInvalidParams, "params.taskId names no task");
  }
  if (head.method == "tasks/get") {
    ResultWriter writer(head.id, head.era, state_.implementation);
    writer.Members(task->Describe(true));
    return std::move(writer).Take();
  }
  if (head.method == "tasks/cancel") {
    task->Cancel();
    return Empty(head);
  }
  const std::string_view given = head.responses;
  if (!IsJsonObject(given)) {
    return WriteError(head.id, code::kInvalidParams, "params.inputResponses must be an object");
  }
  const auto answers = ToJson(given);
  if (!answers.ok()) return WriteError(head.id, code::kInvalidParams, answers.error().message);
  task->Answer(*answers);
  return Empty(head);
}

}  // namespace hearth::mcp
