#include "memory/session_store.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "memory/task_repository.h"
#include "runtime/base/time_format.h"
#include "tests/memory/temp_directory.h"

namespace hearth::memory {
namespace {

struct Fixture {
  FakeClock clock{*ParseRfc3339("2026-11-21T12:00:00Z")};
  std::unique_ptr<Store> store = *Store::Open(":memory:", clock);
  SessionStore sessions{*store};
  std::string id = sessions.Create({.repository = "work", .title = "t", .model = "m"})->id;
};

NewItem Text(ItemKind kind, const std::string& text) {
  return {.kind = kind, .payload = Json{{"text", text}}, .turn = 1};
}
NewItem Call(const std::string& call_id) {
  return {.kind = ItemKind::kToolCall,
          .payload = Json{{"name", "create_task"}, {"arguments", Json::object()}},
          .call_id = call_id,
          .turn = 1,
          .step = 1};
}
NewItem Answer(const std::string& call_id, Trust trust = Trust::kTrusted) {
  NewItem item = Call(call_id);
  item.kind = ItemKind::kToolResult;
  item.trust = trust;
  return item;
}

TEST_CASE_METHOD(Fixture,
                 "a session is bound to its repository and remembers what it was made with") {
  const auto made = *sessions.Create(
      {.repository = "home", .title = "Plans", .model = "small", .system_prompt = "Be brief."});
  const Session session = *sessions.Get(made.id);
  CHECK(session.repository == "home");
  CHECK(session.title == "Plans");
  CHECK(session.model == "small");
  CHECK(session.system_prompt == "Be brief.");
  CHECK(session.epoch == 0);
  CHECK(session.created_at == clock.Now());
  CHECK(ListRepositories(*store)->size() == 3);
  CHECK_FALSE(sessions.Create({.repository = "a/b"}).ok());
  CHECK(sessions.Rename(made.id, "Other").ok());
  CHECK(sessions.Get(made.id)->title == "Other");
}

TEST_CASE_METHOD(Fixture, "an unknown session is not found, whatever is asked of it") {
  const auto code = [](const auto& result) { return result.error().code; };
  CHECK(code(sessions.Get("x")) == ErrorCode::kNotFound);
  CHECK(code(sessions.Rename("x", "y")) == ErrorCode::kNotFound);
  CHECK(code(sessions.Delete("x")) == ErrorCode::kNotFound);
  CHECK(code(sessions.Append("x", Text(ItemKind::kUser, "a"))) == ErrorCode::kNotFound);
  CHECK(code(sessions.AppendTokens("x", {})) == ErrorCode::kNotFound);
  CHECK(code(sessions.BeginEpoch("x", "r", {})) == ErrorCode::kNotFound);
  CHECK(code(sessions.Load("x")) == ErrorCode::kNotFound);
  CHECK(code(sessions.UnansweredCalls("x")) == ErrorCode::kNotFound);
  CHECK(code(sessions.BeginStep("x", 1, 1)) == ErrorCode::kNotFound);
  CHECK(code(sessions.EndStep("x", 1, 1, StepState::kDone, {})) == ErrorCode::kNotFound);
  CHECK(code(sessions.InterruptSteps("x")) == ErrorCode::kNotFound);
  CHECK(code(sessions.Steps("x")) == ErrorCode::kNotFound);
}

TEST_CASE_METHOD(Fixture, "sessions are listed by last use") {
  clock.Advance(std::chrono::seconds(1));
  const std::string second = sessions.Create({})->id;
  CHECK(sessions.List()->front().id == second);
  clock.Advance(std::chrono::seconds(1));
  REQUIRE(sessions.Append(id, Text(ItemKind::kUser, "a")).ok());
  CHECK(sessions.List()->front().id == id);
  CHECK(sessions.List(1)->size() == 1);
  REQUIRE(sessions.Delete(id).ok());
  CHECK(sessions.List()->size() == 1);
  CHECK(store->database().execAndGet("SELECT count(*) FROM items").getInt() == 0);
}

TEST_CASE_METHOD(Fixture, "the transcript comes back item by item and token by token") {
  REQUIRE(sessions.Append(id, Text(ItemKind::kSystem, "s")).ok());
  const int64_t user = *sessions.Append(id, Text(ItemKind::kUser, "a \u0000 \"b\"\n"));
  REQUIRE(sessions.AppendTokens(id, {.ids = {1, 200, 49151}, .last_item = user}).ok());
  REQUIRE(sessions.Append(id, Text(ItemKind::kReasoning, "hm")).ok());
  const int64_t call = *sessions.Append(id, Call("c1"));
  REQUIRE(sessions
              .AppendTokens(
                  id, {.source = TokenRun::Source::kGenerated, .ids = {7, 0, 7}, .last_item = call})
              .ok());
  REQUIRE(sessions.Append(id, Answer("c1", Trust::kUntrusted)).ok());
  REQUIRE(sessions.AppendTokens(id, {}).ok());
  REQUIRE(sessions.Append(id, Text(ItemKind::kText, "done")).ok());

  const Transcript transcript = *sessions.Load(id);
  std::string kinds;
  int64_t last_seq = 0;
  for (const auto& item : transcript.items) {
    kinds += std::string(ToString(item.kind)) + " ";
    CHECK(item.seq > last_seq);
    last_seq = item.seq;
    CHECK(item.epoch == 0);
  }
  CHECK(kinds == "system user reasoning tool_call tool_result text ");
  CHECK(transcript.items[3].call_id == "c1");
  CHECK(transcript.items[3].step == 1);
  CHECK(transcript.items[3].payload["name"] == "create_task");
  CHECK(transcript.items[4].trust == Trust::kUntrusted);
  REQUIRE(transcript.runs.size() == 3);
  CHECK(transcript.runs[0].source == TokenRun::Source::kRendered);
  CHECK(transcript.runs[1].source == TokenRun::Source::kGenerated);
  CHECK(transcript.runs[1].last_item == call);
  CHECK(transcript.Tokens() == std::vector<TokenId>{1, 200, 49151, 7, 0, 7});
}

TEST_CASE_METHOD(Fixture, "a call is made once and answered once") {
  REQUIRE(sessions.Append(id, Call("c1")).ok());
  CHECK(sessions.Append(id, Call("c1")).error().code == ErrorCode::kConflict);
  REQUIRE(sessions.Append(id, Answer("c1")).ok());
  const auto again = sessions.Append(id, Answer("c1"));
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().message == "the session already has the tool_result 'c1'");
  CHECK(sessions.Load(id)->items.size() == 2);
  CHECK_FALSE(sessions.Append(id, Call("")).ok());
  NewItem odd = Text(ItemKind::kText, "x");
  odd.call_id = "c2";
  CHECK_FALSE(sessions.Append(id, odd).ok());
}

TEST_CASE_METHOD(Fixture, "calls without a result are those that may have run") {
  REQUIRE(sessions.Append(id, Call("c1")).ok());
  REQUIRE(sessions.Append(id, Call("c2")).ok());
  REQUIRE(sessions.Append(id, Answer("c1")).ok());
  const auto open = *sessions.UnansweredCalls(id);
  REQUIRE(open.size() == 1);
  CHECK(open[0].call_id == "c2");
}

TEST_CASE_METHOD(Fixture, "an epoch ends for a reason and stays readable") {
  REQUIRE(sessions.Append(id, Text(ItemKind::kUser, "long story")).ok());
  REQUIRE(sessions.Append(id, Call("c1")).ok());
  REQUIRE(sessions.AppendTokens(id, {.ids = {1, 2, 3}}).ok());
  const std::vector<NewItem> kept = {Text(ItemKind::kSystem, "summary"), Call("c1"), Answer("c1")};
  CHECK(*sessions.BeginEpoch(id, "compaction", kept) == 1);
  const Transcript now = *sessions.Load(id);
  CHECK(now.epoch == 1);
  CHECK(now.reason == "compaction");
  CHECK(now.items.size() == 3);
  CHECK(now.Tokens().empty());
  CHECK(sessions.UnansweredCalls(id)->empty());
  const Transcript before = *sessions.Load(id, 0);
  CHECK(before.items.size() == 2);
  CHECK(before.Tokens().size() == 3);
  CHECK(before.items.back().seq < now.items.front().seq);
  CHECK(sessions.Load(id, 2).error().code == ErrorCode::kNotFound);

  // All or nothing: a bad item leaves the old epoch in place.
  CHECK_FALSE(sessions.BeginEpoch(id, "rewind", std::vector<NewItem>{Call("c3"), Call("c3")}).ok());
  CHECK(sessions.Get(id)->epoch == 1);
}

TEST_CASE_METHOD(Fixture, "what is written in a transcript cannot be changed") {
  REQUIRE(sessions.Append(id, Text(ItemKind::kUser, "a")).ok());
  REQUIRE(sessions.AppendTokens(id, {.ids = {1}}).ok());
  CHECK_THROWS_WITH(store->database().exec("UPDATE items SET payload = '1'"),
                    "transcript items are append-only");
  CHECK_THROWS_WITH(store->database().exec("UPDATE token_runs SET ids = x'00'"),
                    "token runs are append-only");
}

TEST_CASE_METHOD(Fixture, "a step ends before the next begins") {
  REQUIRE(sessions.BeginStep(id, 1, 1).ok());
  const Status early = sessions.BeginStep(id, 1, 2);
  REQUIRE_FALSE(early.ok());
  CHECK(early.error().message == "step 1.1 of the session is still running");
  clock.Advance(std::chrono::seconds(2));
  REQUIRE(sessions.EndStep(id, 1, 1, StepState::kDone, Json{{"prompt_tokens", 9}}).ok());
  CHECK(sessions.EndStep(id, 1, 1, StepState::kDone, Json::object()).error().code ==
        ErrorCode::kConflict);
  CHECK(sessions.BeginStep(id, 1, 1).error().message == "step 1.1 of the session was run before");
  REQUIRE(sessions.BeginStep(id, 1, 2).ok());

  const auto interrupted = *sessions.InterruptSteps(id);
  REQUIRE(interrupted.size() == 1);
  CHECK(interrupted[0].step == 2);
  CHECK(sessions.InterruptSteps(id)->empty());
  const auto steps = *sessions.Steps(id);
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].state == StepState::kDone);
  CHECK(steps[0].usage["prompt_tokens"] == 9);
  CHECK(*steps[0].ended_at - steps[0].started_at == std::chrono::seconds(2));
  CHECK(steps[1].state == StepState::kInterrupted);
  CHECK(sessions.BeginStep(id, 1, 3).ok());
}

TEST_CASE_METHOD(Fixture, "a tool's effect and its result are one transaction") {
  TaskRepository tasks(*store, "work");
  REQUIRE(sessions.Append(id, Call("c1")).ok());
  const auto run = [&](bool fail) {
    return store->Transact([&]() -> Status {
      HEARTH_CHECK_OK(tasks.Create({.title = "from a tool"}));
      HEARTH_CHECK_OK(sessions.Append(id, Answer("c1")));
      return fail ? Status(MakeError(ErrorCode::kCancelled, "crash")) : Status();
    });
  };
  CHECK_FALSE(run(true).ok());
  CHECK(tasks.List()->empty());
  CHECK(sessions.UnansweredCalls(id)->size() == 1);
  CHECK(run(false).ok());
  CHECK(tasks.List()->size() == 1);
  // Once more finds the answer there, and so leaves no second effect.
  CHECK_FALSE(run(false).ok());
  CHECK(tasks.List()->size() == 1);
}

TEST_CASE("a transcript outlives its process") {
  const TempDirectory temp;
  const SystemClock clock;
  std::string id;
  {
    const auto store = *Store::Open(temp / "hearth.db", clock);
    SessionStore sessions(*store);
    id = sessions.Create({})->id;
    REQUIRE(sessions.Append(id, Text(ItemKind::kUser, "a")).ok());
    REQUIRE(sessions.AppendTokens(id, {.ids = {1, 2}}).ok());
    REQUIRE(sessions.BeginStep(id, 1, 1).ok());
  }
  const auto store = *Store::Open(temp / "hearth.db", clock);
  SessionStore sessions(*store);
  CHECK(sessions.Load(id)->items[0].payload["text"] == "a");
  CHECK(sessions.Load(id)->Tokens() == std::vector<TokenId>{1, 2});
  CHECK(sessions.InterruptSteps(id)->size() == 1);
}

TEST_CASE_METHOD(Fixture, "damaged rows are reported, not believed") {
  REQUIRE(sessions.AppendTokens(id, {.ids = {1}}).ok());
  store->database().exec("DROP TRIGGER token_runs_are_append_only");
  store->database().exec("UPDATE token_runs SET ids = x'80'");
  const auto loaded = sessions.Load(id);
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().code == ErrorCode::kIo);
  CHECK(loaded.error().message.find("damaged") != std::string::npos);
}

}  // namespace
}  // namespace hearth::memory
