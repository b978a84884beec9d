#include "runtime/main/mcp_agent.h"

#include <utility>

#include "mcp/toolset_adapter.h"
#include "memory/session_store.h"
#include "runtime/agent/agent.h"
#include "runtime/base/text.h"
#include "runtime/main/sampling_model.h"
#include "runtime/serving/local_model.h"

namespace hearth::main {
namespace {

// The events of a turn as MCP progress: a step for each thing that a person would want to hear.
class ProgressTeller {
 public:
  explicit ProgressTeller(mcp::Request& request) : request_(request) {}

  void operator()(const agent::Event& event) {
    if (const auto* called = std::get_if<agent::ToolCalled>(&event)) {
      calls_.push_back({{"name", called->name}, {"arguments", called->arguments}});
      Tell(called->name + " " + Clip(DumpJson(called->arguments), 200));
    } else if (const auto* returned = std::get_if<agent::ToolReturned>(&event)) {
      Tell(Clip(OneLine(returned->text), 200));
    } else if (const auto* reading = std::get_if<agent::PromptProgress>(&event)) {
      Tell(Concat("reading ", reading->done, " of ", reading->total, " tokens"));
    } else if (std::holds_alternative<agent::TextDelta>(event)) {
      // Often, but not for every token.
      if (++deltas_ % 16 == 1) Tell("writing");
    }
  }
  Json calls() const { return calls_; }

 private:
  void Tell(const std::string& message) { request_.Progress(++step_, std::nullopt, message); }

  mcp::Request& request_;
  double step_ = 0;
  int deltas_ = 0;
  Json calls_ = Json::array();
};

class AgentTool {
 public:
  AgentTool(const tools::Toolset& tools, memory::Store& store, std::string repository,
            ModelSource models)
      : tools_(tools),
        store_(store),
        repository_(std::move(repository)),
        models_(std::move(models)) {}

  Result<mcp::ToolReply> Run(const Json& arguments, mcp::Request& request) {
    // One turn at a time: the model is one.
    const std::lock_guard lock(mutex_);
    if (request.stop().stop_requested()) return mcp::ToolReply::Failure("the call was cancelled");
    auto local = models_();
    if (local.ok()) return RunWith(**local, arguments, request);
    if (!request.CanAsk("sampling/createMessage")) return local.error();
    if (!request.WaitsForAnswers()) {
      return MakeError(ErrorCode::kUnsupported, local.error().message,
                       "; and the host's model can only be asked by a host that knows tasks");
    }
    SamplingModel sampled(request);
    return RunWith(sampled, arguments, request);
  }

 private:
  Result<std::string> FindSession(const Json& arguments, const std::string& message,
                                  const std::string& model) {
    memory::SessionStore sessions(store_);
    if (const Json* id = FindMember(arguments, "session")) {
      HEARTH_TRY(const auto session, sessions.Get(id->get<std::string>()));
      if (session.repository != repository_) {
        return MakeError(ErrorCode::kInvalidArgument,
                         "that session belongs to another task repository");
      }
      return session.id;
    }
    HEARTH_TRY(const auto session,
               sessions.Create({.repository = repository_,
                                .title = Clip(OneLine(message), 80),
                                .model = model,
                                .system_prompt = agent::TaskAssistantPrompt()}));
    return session.id;
  }

  Result<mcp::ToolReply> RunWith(serving::LanguageModel& model, const Json& arguments,
                                 mcp::Request& request) {
    const std::string message = arguments.at("message").get<std::string>();
    HEARTH_TRY(const std::string session, FindSession(arguments, message, model.name()));
    agent::AgentOptions options;
    options.sampling.temperature = 0;
    HEARTH_TRY(const auto agent, agent::Agent::Open(model, tools_, store_, session, options));
    ProgressTeller teller(request);
    const agent::EventSink sink = [&](const agent::Event& event) { teller(event); };
    HEARTH_TRY(const auto unfinished, agent->Resume(sink, request.stop()));
    HEARTH_TRY(const auto finished, agent->Run(message, sink, request.stop()));
    mcp::ToolReply reply;
    reply.structured = {{"session", session},
                        {"answer", finished.answer},
                        {"reason", finished.reason},
                        {"tool_calls", teller.calls()}};
    reply.text = DumpJson(reply.structured);
    reply.is_error = finished.reason == "cancelled";
    return reply;
  }

  const tools::Toolset& tools_;
  memory::Store& store_;
  const std::string repository_;
  const ModelSource models_;
  std::mutex mutex_;
};

Json OutputSchema() {
  const Json text = {{"type", "string"}};
  const Json call = {{"type", "object"},
                     {"properties", {{"name", text}, {"arguments", {{"type", "object"}}}}},
                     {"required", {"name", "arguments"}}};
  return {{"type", "object"},
          {"properties",
           {{"session", text},
            {"answer", text},
            {"reason", {{"type", "string"}, {"enum", agent::kTurnEndings}}},
            {"tool_calls", {{"type", "array"}, {"items", call}}}}},
          {"required", {"session", "answer", "reason", "tool_calls"}}};
}

}  // namespace

Status AddAgentTool(mcp::Server& server, const tools::Toolset& tools, memory::Store& store,
                    const std::string& repository, ModelSource models) {
  mcp::ServerTool tool;
  tool.name = "run_agent";
  tool.title = "Ask the task assistant";
  tool.description =
      "Hand a request in plain words to the local task assistant: it calls the task tools itself "
      "and answers. Takes seconds to minutes; prefer the other tools where one of them does it.";
  tool.input = {
      {"type", "object"},
      {"additionalProperties", false},
      {"properties",
       {{"message", {{"type", "string"}, {"minLength", 1}, {"description", "What is wanted"}}},
        {"session",
         {{"type", "string"},
          {"description", "Goes on with the session of an earlier call; a new one if left out"}}}}},
      {"required", Json::array({"message"})}};
  tool.output = OutputSchema();
  tool.annotations = {{"title", tool.title},
                      {"readOnlyHint", false},
                      {"destructiveHint", true},
                      {"idempotentHint", false},
                      {"openWorldHint", false}};
  tool.icons = mcp::StrokeIcon("M4 5h16v11H9l-5 4z");
  tool.example = {{"message", "Remind me to water the plants"}};
  tool.run = mcp::ServerTool::Run::kTask;
  tool.handler = [agent = std::make_shared<AgentTool>(tools, store, repository, std::move(models))](
                     const Json& arguments, mcp::Request& request) {
    return agent->Run(arguments, request);
  };
  return server.AddTool(std::move(tool));
}

ModelSource LoadOnDemand(const Settings& settings, const Clock& clock) {
  return [&clock, settings, model = std::shared_ptr<serving::LanguageModel>()]() mutable
             -> Result<std::shared_ptr<serving::LanguageModel>> {
    if (model != nullptr) return model;
    HEARTH_TRY(const auto path, settings.Model());
    HEARTH_TRY(const serving::LocalModelOptions options, settings.ModelOptions());
    HEARTH_TRY(auto loaded, serving::LocalModel::Load(path.string(), options, clock));
    model = std::move(loaded);
    return model;
  };
}

}  // namespace hearth::main
