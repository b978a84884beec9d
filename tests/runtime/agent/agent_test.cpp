#include "runtime/agent/agent.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "memory/task_repository.h"
#include "runtime/base/time_format.h"
#include "tests/fakes/scripted_model.h"
#include "tests/memory/temp_directory.h"
#include "tools/task_tools.h"

namespace hearth::agent {
namespace {

using fakes::ScriptedModel;
using serving::ChatRequest;
using serving::Role;
using serving::ToolCall;
using Reply = ScriptedModel::Reply;

struct Crash {};  // no std::exception: nothing between the test and the crash catches it

ToolCall Create(const std::string& title) { return {"", "create_task", {{"title", title}}}; }
ToolCall Call(const std::string& name) { return {"", name, Json::object()}; }

int ToolResults(const ChatRequest& request) {
  return static_cast<int>(
      std::ranges::count(request.messages, Role::kTool, &serving::Message::role));
}

// One database file, opened anew as often as the test likes.
struct Fixture {
  TempDirectory directory;
  FakeClock clock{*ParseRfc3339("2026-11-21T12:00:00Z")};
  std::unique_ptr<memory::Store> store;
  std::unique_ptr<tools::Toolset> tools;
  std::string session;
  int sent = 0;             // what the tool `send` has done outside the store
  bool crash_send = false;  // after its effect
  int kept = 0;             // the same for a tool with a key
  std::vector<std::string> keys;
  bool crash_kept = false;
  std::vector<Json> events;
  int crash_at_event = 0;  // from 1

  Fixture() {
    OpenStore();
    memory::SessionStore sessions(*store);
    session = sessions.Create({.system_prompt = "Be brief."})->id;
  }

  void OpenStore() {
    tools.reset();
    store.reset();
    store = *memory::Store::Open(directory / "hearth.db", clock);
    tools = std::make_unique<tools::Toolset>();
    REQUIRE(tools::AddTaskTools(*tools, *store).ok());
    Add("send", tools::Durability::kOnce, [this](const tools::ToolCall&) {
      ++sent;
      if (crash_send) throw Crash();
      return tools::ToolResult{.text = "sent"};
    });
    Add("keep", tools::Durability::kKeyed, [this](const tools::ToolCall& call) {
      ++kept;
      keys.push_back(call.context.call_id);
      if (crash_kept) throw Crash();
      return tools::ToolResult{.text = "kept"};
    });
    Add("fail", tools::Durability::kOnce, [](const tools::ToolCall&) -> Result<tools::ToolResult> {
      return MakeError(ErrorCode::kIo, "the disk is on fire");
    });
  }
  void Add(const std::string& name, tools::Durability durability,
           std::function<Result<tools::ToolResult>(const tools::ToolCall&)> handler) {
    tools::Tool tool;
    tool.name = name;
    tool.description = name;
    tool.parameters = *ParseJson(R"({"type": "object", "properties": {"n": {"type": "integer"}}})");
    tool.durability = durability;
    tool.handler = std::move(handler);
    REQUIRE(tools->Add(std::move(tool)).ok());
  }

  EventSink Sink() {
    return [this](const Event& event) {
      events.push_back(ToJson(event));
      if (static_cast<int>(events.size()) == crash_at_event) throw Crash();
    };
  }
  std::unique_ptr<Agent> Open(ScriptedModel& model, const AgentOptions& options = {}) {
    auto agent = Agent::Open(model, *tools, *store, session, options);
    REQUIRE(agent.ok());
    return *std::move(agent);
  }
  TurnFinished Run(ScriptedModel& model, const AgentOptions& options = {},
                   std::stop_token stop = {}) {
    events.clear();
    const auto finished = Open(model, options)->Run("Go", Sink(), stop);
    REQUIRE(finished.ok());
    return *finished;
  }

  std::vector<std::string> Titles() {
    memory::TaskRepository tasks(*store, "default");
    std::vector<std::string> titles;
    const auto listed = tasks.List({});
    REQUIRE(listed.ok());
    for (const auto& task : *listed) titles.push_back(task.title);
    std::ranges::sort(titles);
    return titles;
  }
  memory::Transcript Transcript() {
    memory::SessionStore sessions(*store);
    return *sessions.Load(session);
  }
  std::vector<std::string> Kinds() {
    std::vector<std::string> kinds;
    for (const auto& item : Transcript().items) kinds.push_back(memory::ToString(item.kind));
    return kinds;
  }
  std::vector<std::string> EventTypes() const {
    std::vector<std::string> types;
    for (const Json& event : events) types.push_back(event.at("type"));
    return types;
  }
};

// Makes two tasks in two steps, then answers. It goes by what it sees, so it can be asked again.
ScriptedModel TwoTasks() {
  return ScriptedModel([](const ChatRequest& request, int) -> Reply {
    switch (ToolResults(request)) {
      case 0:
        return {.content = "First A.", .calls = {Create("A")}, .reasoning = "two to make"};
      case 1:
        return {.calls = {Create("B")}, .reasoning = "one more"};
      default:
        return {.content = "Both are there."};
    }
  });
}

TEST_CASE_METHOD(Fixture, "a turn thinks, acts and observes until it answers") {
  ScriptedModel model = TwoTasks();
  const TurnFinished finished = Run(model);
  CHECK(finished.reason == "answered");
  CHECK(finished.answer == "Both are there.");
  CHECK(Titles() == std::vector<std::string>{"A", "B"});
  CHECK(Kinds() == std::vector<std::string>{"user", "reasoning", "text", "tool_call", "tool_result",
                                            "reasoning", "text", "tool_call", "tool_result",
                                            "text"});
  CHECK(EventTypes() == std::vector<std::string>{
                            "turn_started", "prompt_progress", "reasoning_delta", "text_delta",
                            "tool_call_started", "tool_called", "tool_returned", "step_finished",
                            "prompt_progress", "reasoning_delta", "tool_call_started",
                            "tool_called", "tool_returned", "step_finished", "prompt_progress",
                            "text_delta", "step_finished", "turn_finished"});
  CHECK(finished.usage == Json({{"steps", 3},
                                {"tool_calls", 2},
                                {"prompt_tokens", 18},
                                {"cached_tokens", 12},
                                {"completion_tokens", 9},
                                {"forced_tokens", 3}}));
}

TEST_CASE_METHOD(Fixture, "the model sees its reasoning, its calls and their results again") {
  ScriptedModel model = TwoTasks();
  Run(model);
  REQUIRE(model.requests.size() == 3);
  const auto& seen = model.requests[2].messages;
  REQUIRE(seen.size() == 6);
  CHECK(seen[0].content == "Be brief.");
  CHECK(seen[1].content == "Go");
  CHECK(seen[2].reasoning == "two to make");
  CHECK(seen[2].calls.at(0).arguments == Json({{"title", "A"}}));
  CHECK(seen[3].call_id == seen[2].calls[0].id);
  CHECK_THAT(seen[3].content, Catch::Contains("'A'"));
  CHECK(seen[4].reasoning == "one more");
  CHECK(seen[4].calls[0].id != seen[2].calls[0].id);

  // A process that comes later sees the same, and the exact tokens.
  OpenStore();
  ScriptedModel later([](const ChatRequest&, int) -> Reply { return {.content = "ok"}; });
  Run(later);
  const auto& again = later.requests.at(0).messages;
  REQUIRE(again.size() == 8);
  for (size_t i = 0; i < seen.size(); ++i) {
    CHECK(again[i].content == seen[i].content);
    CHECK(again[i].reasoning == seen[i].reasoning);
    CHECK(again[i].raw == seen[i].raw);
    CHECK(again[i].call_id == seen[i].call_id);
    CHECK(again[i].calls.size() == seen[i].calls.size());
  }
  CHECK(later.restored == std::vector<TokenId>{101, 201, 301, 102, 202, 302, 103, 203, 303});
}

TEST_CASE_METHOD(Fixture, "a turn cut short at any event goes on without doing a thing twice") {
  size_t cuts = 0;
  for (int at = 1;; ++at) {
    Fixture f;
    ScriptedModel model = TwoTasks();
    f.crash_at_event = at;
    bool crashed = false;
    try {
      const auto finished = f.Open(model)->Run("Go", f.Sink(), {});
      REQUIRE(finished.ok());
    } catch (const Crash&) {
      crashed = true;
    }
    if (!crashed) break;
    ++cuts;
    const std::string last = f.events.back().at("type");
    CAPTURE(at, last);
    f.crash_at_event = 0;
    f.events.clear();
    f.OpenStore();
    ScriptedModel second = TwoTasks();
    const auto resumed = f.Open(second)->Resume(f.Sink(), {});
    REQUIRE(resumed.ok());
    CHECK(f.Titles() == std::vector<std::string>{"A", "B"});
    CHECK(f.Kinds() == std::vector<std::string>{"user", "reasoning", "text", "tool_call",
                                                "tool_result", "reasoning", "text", "tool_call",
                                                "tool_result", "text"});
    // The answer is stored before it is told: then there is nothing left to resume.
    const bool was_over = last == "turn_finished" || (last == "step_finished" && at > 14);
    CHECK(resumed->has_value() != was_over);
    if (*resumed) CHECK((*resumed)->answer == "Both are there.");
    // And a second look finds nothing either.
    const auto again = f.Open(second)->Resume(f.Sink(), {});
    REQUIRE(again.ok());
    CHECK_FALSE(again->has_value());
  }
  CHECK(cuts == 18);
}

TEST_CASE_METHOD(Fixture, "what a crash left open is run again only where that is safe") {
  struct Case {
    const char* tool;
    int runs;
    std::string result;
  };
  for (const Case& c : {Case{"send", 1, "may or may not have run"}, Case{"keep", 2, "kept"}}) {
    Fixture f;
    f.crash_send = f.crash_kept = true;
    const auto script = [&](const ChatRequest& request, int) -> Reply {
      if (ToolResults(request) == 0) return {.calls = {Call(c.tool)}};
      return {.content = "done"};
    };
    ScriptedModel model(script);
    CHECK_THROWS_AS(f.Open(model)->Run("Go", f.Sink(), {}), Crash);
    f.crash_send = f.crash_kept = false;
    f.OpenStore();
    ScriptedModel second(script);
    const auto resumed = f.Open(second)->Resume(f.Sink(), {});
    REQUIRE(resumed.ok());
    REQUIRE(resumed->has_value());
    CHECK((*resumed)->answer == "done");
    CHECK(f.sent + f.kept == c.runs);
    CHECK_THAT(second.requests.at(0).messages.back().content, Catch::Contains(c.result));
    if (f.keys.size() == 2) CHECK(f.keys[0] == f.keys[1]);
  }
}

TEST_CASE_METHOD(Fixture, "a message after a crash settles the open calls first") {
  crash_send = true;
  const auto script = [](const ChatRequest& request, int) -> Reply {
    if (ToolResults(request) == 0) return {.calls = {Call("send")}};
    return {.content = "done"};
  };
  ScriptedModel model(script);
  CHECK_THROWS_AS(Open(model)->Run("Go", Sink(), {}), Crash);
  OpenStore();
  ScriptedModel second(script);
  CHECK(Run(second).reason == "answered");
  CHECK(sent == 1);
}

TEST_CASE_METHOD(Fixture, "a turn that ended is not taken up again, however it ended") {
  const auto calls_forever = [](const ChatRequest&, int n) -> Reply {
    return {.calls = {Create("T" + std::to_string(n))}};
  };
  struct Case {
    const char* reason;
    ScriptedModel::Script script;
    AgentOptions options;
  };
  const Case cases[] = {
      {"limit", calls_forever, {.limits = {.completion_tokens = 5}}},
      {"repeated",
       [](const ChatRequest&, int) -> Reply { return {.calls = {Call("list_tasks")}}; },
       {}},
      {"cancelled",
       [](const ChatRequest&, int) -> Reply {
         return {.calls = {Create("x")}, .reason = model::FinishReason::kCancelled};
       },
       {}},
      {"limit",
       [](const ChatRequest&, int) -> Reply {
         return {.calls = {Create("x")}, .reason = model::FinishReason::kLength};
       },
       {}},
  };
  for (const Case& c : cases) {
    Fixture f;
    ScriptedModel model(c.script);
    CHECK(f.Run(model, c.options).reason == c.reason);
    f.OpenStore();
    ScriptedModel second(c.script);
    const auto resumed = f.Open(second, c.options)->Resume(f.Sink(), {});
    REQUIRE(resumed.ok());
    CHECK_FALSE(resumed->has_value());
    CHECK(second.requests.empty());
  }
  ScriptedModel failing([](const ChatRequest&, int) -> Reply { return {.error = "context full"}; });
  const auto finished = Open(failing)->Run("Go", Sink(), {});
  REQUIRE_FALSE(finished.ok());
  CHECK(finished.error().message == "context full");
  ScriptedModel working([](const ChatRequest&, int) -> Reply { return {.content = "ok"}; });
  const auto resumed = Open(working)->Resume(Sink(), {});
  REQUIRE(resumed.ok());
  CHECK_FALSE(resumed->has_value());
  CHECK(Run(working).answer == "ok");
}

TEST_CASE_METHOD(Fixture, "a turn without an answer is told from one with an answer") {
  struct Case {
    Reply reply;
    const char* reason;
    const char* detail;
  };
  const Case cases[] = {
      {{.content = ""}, "empty", "the model wrote no answer"},
      {{.content = " \n\t"}, "empty", "the model wrote no answer"},
      {{.reasoning = "thought, and said nothing"}, "empty", "the model wrote no answer"},
      {{.content = "ok"}, "answered", ""},
      {{.content = "o", .reason = model::FinishReason::kLength, .completion_tokens = 7},
       "limit",
       "the answer was cut by the limit of 7 tokens"},
      {{.reason = model::FinishReason::kLength, .completion_tokens = 7, .cut_call = "send"},
       "limit",
       "the answer was cut by the limit of 7 tokens in the middle of a call of send"},
      {{.calls = {Create("A")}, .reason = model::FinishReason::kLength, .completion_tokens = 7},
       "limit",
       "the answer was cut by the limit of 7 tokens"},
  };
  for (const Case& c : cases) {
    Fixture f;
    ScriptedModel model([&](const ChatRequest&, int) -> Reply { return c.reply; });
    const TurnFinished finished = f.Run(model);
    CHECK(finished.reason == c.reason);
    CHECK(finished.detail == c.detail);
    CHECK(std::ranges::count(kTurnEndings, finished.reason) == 1);
    f.OpenStore();
    const auto resumed = f.Open(model)->Resume(f.Sink(), {});
    REQUIRE(resumed.ok());
    CHECK_FALSE(resumed->has_value());
  }
}

TEST_CASE_METHOD(Fixture, "text ends where a call begins in it") {
  ScriptedModel model([](const ChatRequest&, int) -> Reply { return {.content = "ok"}; });
  Run(model);
  CHECK(model.requests.at(0).stop == std::vector<std::string>{"<call>"});
  // A document may hold what it likes.
  Run(model, {.answer_schema = Json::object()});
  CHECK(model.requests.at(1).stop.empty());
}

TEST_CASE_METHOD(Fixture, "limits of steps and calls leave the model to answer") {
  const ScriptedModel::Script eager = [](const ChatRequest& request, int n) -> Reply {
    if (request.tool_choice == serving::ToolChoice::kNone) return {.content = "enough"};
    return {.calls = {Create("a" + std::to_string(n)), Create("b" + std::to_string(n)),
                      Create("c" + std::to_string(n))}};
  };
  {
    ScriptedModel model(eager);
    const TurnFinished finished = Run(model, {.limits = {.steps = 3}});
    CHECK(finished.answer == "enough");
    CHECK(model.requests.size() == 3);
    CHECK(Titles().size() == 6);
    CHECK_FALSE(model.requests.back().tools.empty());  // the prompt keeps its beginning
  }
  Fixture f;
  ScriptedModel model(eager);
  const TurnFinished finished = f.Run(model, {.limits = {.tool_calls = 4}});
  CHECK(finished.answer == "enough");
  CHECK(f.Titles().size() == 4);  // of six that were asked for
  CHECK_THAT(model.requests.back().messages.back().content, Catch::Contains("4 calls"));
}

TEST_CASE_METHOD(Fixture, "the limit of tokens bounds each step and the turn") {
  ScriptedModel model([](const ChatRequest&, int n) -> Reply {
    return {.calls = {Create(std::to_string(n))}, .completion_tokens = 40};
  });
  const TurnFinished finished =
      Run(model, {.limits = {.completion_tokens = 100, .tokens_per_step = 64}});
  CHECK(finished.reason == "limit");
  CHECK_THAT(finished.detail, Catch::Contains("120 tokens"));
  REQUIRE(model.requests.size() == 3);
  CHECK(model.requests[0].max_tokens == 64);
  CHECK(model.requests[1].max_tokens == 60);
  CHECK(model.requests[2].max_tokens == 20);
}

TEST_CASE_METHOD(Fixture, "the same call again gets a hint, and in the end the turn stops") {
  ScriptedModel model([](const ChatRequest&, int) -> Reply { return {.calls = {Create("Same")}}; });
  const TurnFinished finished = Run(model);
  CHECK(finished.reason == "repeated");
  CHECK_THAT(finished.detail, Catch::Contains("create_task"));
  CHECK(model.requests.size() == 4);
  CHECK(Titles() == std::vector<std::string>{"Same"});
  CHECK_THAT(model.requests[2].messages.back().content, Catch::Contains("already made"));
}

TEST_CASE_METHOD(Fixture, "changes that take turns end the turn") {
  const auto set = [](const char* status) -> Reply {
    return {.calls = {{"", "update_task_status", {{"task_id", 1}, {"new_status", status}}}}};
  };
  ScriptedModel model([&](const ChatRequest&, int n) -> Reply {
    if (n == 1) return {.calls = {Create("A")}};
    return set(n % 2 == 0 ? "in_progress" : "cancelled");
  });
  const TurnFinished finished = Run(model, {.limits = {.steps = 50, .tool_calls = 50}});
  CHECK(finished.reason == "repeated");
  CHECK(model.requests.size() == 10);
}

TEST_CASE_METHOD(Fixture, "looking again after a change is no repetition") {
  ScriptedModel model([](const ChatRequest& request, int) -> Reply {
    switch (ToolResults(request)) {
      case 0:
        return {.calls = {Call("list_tasks")}};
      case 1:
        return {.calls = {Create("A")}};
      case 2:
        return {.calls = {Call("list_tasks")}};
      default:
        return {.content = "done"};
    }
  });
  CHECK(Run(model).reason == "answered");
  const auto& seen = model.requests.back().messages;
  CHECK(seen[3].content == "No tasks.");
  CHECK_THAT(seen.back().content, Catch::Contains("'A'"));
}

TEST_CASE_METHOD(Fixture,
                 "a tool that fails and a call that cannot be made are told to the model") {
  ScriptedModel model([](const ChatRequest& request, int) -> Reply {
    if (ToolResults(request) > 0) return {.content = "sorry"};
    return {.calls = {Call("fail"), Call("no_such_tool"), Create(""), Create("Good")}};
  });
  CHECK(Run(model).answer == "sorry");
  const auto& seen = model.requests.back().messages;
  REQUIRE(seen.size() == 7);
  CHECK_THAT(seen[3].content, Catch::Contains("the disk is on fire"));
  CHECK_THAT(seen[4].content, Catch::Contains("no_such_tool"));
  CHECK_THAT(seen[5].content, Catch::Contains("title"));
  CHECK_THAT(seen[6].content, Catch::Contains("Good"));
  CHECK(Titles() == std::vector<std::string>{"Good"});
}

TEST_CASE_METHOD(Fixture, "a cancelled turn runs nothing more and keeps what there is") {
  // While the model writes: what it asked for in the end is not done.
  ScriptedModel cut([](const ChatRequest&, int) -> Reply {
    return {.content = "I will", .calls = {Create("x")}, .reason = model::FinishReason::kCancelled};
  });
  TurnFinished finished = Run(cut);
  CHECK(finished.reason == "cancelled");
  CHECK(finished.answer == "I will");
  CHECK(Titles().empty());
  memory::SessionStore sessions(*store);
  CHECK(sessions.UnansweredCalls(session)->empty());
  CHECK(sessions.Steps(session)->back().state == memory::StepState::kCancelled);

  // While a tool runs: the calls after it are not made.
  std::stop_source stop;
  ScriptedModel two([](const ChatRequest&, int) -> Reply {
    return {.calls = {Create("first"), Create("second")}};
  });
  const EventSink stopping = [&](const Event& event) {
    if (std::holds_alternative<ToolReturned>(event)) stop.request_stop();
  };
  const auto result = Open(two)->Run("Go", stopping, stop.get_token());
  REQUIRE(result.ok());
  CHECK(result->reason == "cancelled");
  CHECK(Titles() == std::vector<std::string>{"first"});
}

TEST_CASE_METHOD(Fixture, "a prompt that starts over begins an epoch with the same items") {
  ScriptedModel model([](const ChatRequest& request, int) -> Reply {
    if (ToolResults(request) == 0) return {.calls = {Create("A")}};
    return {.content = "done", .restarted = true};
  });
  Run(model);
  const memory::Transcript transcript = Transcript();
  CHECK(transcript.epoch == 1);
  CHECK_FALSE(transcript.reason.empty());
  CHECK(Kinds() == std::vector<std::string>{"user", "text", "tool_call", "tool_result", "text"});
  // Only the tokens of the prompt that was written anew; it covers all items but the answer.
  CHECK(transcript.Tokens() == std::vector<TokenId>{102, 202, 302});
  CHECK(transcript.runs.front().last_item == transcript.items[3].seq);
  CHECK(transcript.runs.back().last_item == transcript.items[4].seq);
}

TEST_CASE_METHOD(Fixture, "the first prompt starts over nothing") {
  ScriptedModel model(
      [](const ChatRequest&, int) -> Reply { return {.content = "hi", .restarted = true}; });
  Run(model);
  CHECK(Transcript().epoch == 0);
}

TEST_CASE_METHOD(Fixture, "a model without tool training gets one round of calls, then answers") {
  ScriptedModel model([](const ChatRequest& request, int) -> Reply {
    if (request.tool_choice == serving::ToolChoice::kNone) return {.content = "made"};
    return {.calls = {Create("A")}};
  });
  model.tools = false;
  CHECK(Run(model).answer == "made");
  REQUIRE(model.requests.size() == 2);
  CHECK(model.requests[0].tool_choice == serving::ToolChoice::kAuto);
  CHECK_FALSE(model.requests[0].examples.empty());
  CHECK(Titles() == std::vector<std::string>{"A"});
  // The next turn begins with a choice again.
  Run(model);
  CHECK(model.requests[2].tool_choice == serving::ToolChoice::kAuto);
}

TEST_CASE_METHOD(Fixture, "an answer schema leaves the tools out") {
  ScriptedModel model([](const ChatRequest&, int) -> Reply { return {.content = "{}"}; });
  AgentOptions options;
  options.answer_schema = Json{{"type", "object"}};
  CHECK(Run(model, options).answer == "{}");
  CHECK(model.requests[0].tools.empty());
  CHECK(model.requests[0].response_schema == options.answer_schema);
}

TEST_CASE_METHOD(Fixture, "a session that does not exist is an error") {
  ScriptedModel model = TwoTasks();
  const auto agent = Agent::Open(model, *tools, *store, "nowhere", {});
  REQUIRE_FALSE(agent.ok());
  CHECK(agent.error().code == ErrorCode::kNotFound);
}

TEST_CASE("a message that does not fit fails its turn and no later one") {
  Fixture f;
  ScriptedModel model([](const ChatRequest& request, int) -> Reply {
    const bool too_long = std::ranges::any_of(
        request.messages, [](const auto& message) { return message.content == "Long"; });
    return {.content = "ok", .error = too_long ? "the prompt has too many tokens" : ""};
  });
  const auto agent = f.Open(model);
  CHECK_FALSE(agent->Run("Long", f.Sink(), {}).ok());
  CHECK(agent->Run("Short", f.Sink(), {}).ok());
  // Opened again, the session goes on as well.
  const auto again = f.Open(model);
  CHECK(again->Run("Short again", f.Sink(), {}).ok());
  CHECK(model.requests.back().messages.size() == 4);  // the system's, two of ours, one answer
}

}  // namespace
}  // namespace hearth::agent
