#include "mcp/server/task_table.h"

#include <catch2/catch.hpp>
#include <future>
#include <thread>

namespace hearth::mcp {
namespace {

// The states that a task told of, in order.
struct Heard {
  Task::OnChange Hook() {
    return [this](const Task& task) {
      const std::lock_guard lock(mutex);
      states.push_back(task.Describe(true)["status"].get<std::string>());
    };
  }
  std::mutex mutex;
  std::vector<std::string> states;
};

}  // namespace

TEST_CASE("a task goes through its states and tells of each") {
  FakeClock clock(TimePoint{std::chrono::seconds(1'000)});
  Heard heard;
  TaskTable table(clock, 10, heard.Hook());
  const auto task = table.Create("me", {});
  REQUIRE(task != nullptr);
  CHECK(task->Describe(false)["status"] == "working");
  const Question question{"name", "elicitation/create", {{"message", "?"}}};
  auto answers = std::async(std::launch::async, [&] { return task->Ask({&question, 1}); });
  while (task->Describe(true)["status"] != "input_required") std::this_thread::yield();
  CHECK(task->Describe(true)["inputRequests"]["name"]["method"] == "elicitation/create");
  CHECK_FALSE(task->Describe(false).contains("inputRequests"));
  task->Answer({{"unasked", 1}});
  CHECK(task->Describe(true)["status"] == "input_required");
  task->Answer({{"name", {{"action", "accept"}}}});
  const auto got = answers.get();
  REQUIRE(got.ok());
  CHECK((*got)[0]["action"] == "accept");
  clock.Advance(std::chrono::seconds(5));
  task->Say("half way");
  CHECK(task->Describe(false)["statusMessage"] == "half way");
  CHECK(task->Describe(false)["createdAt"] != task->Describe(false)["lastUpdatedAt"]);
  task->Complete({{"content", Json::array()}});
  CHECK(task->Describe(true)["result"].contains("content"));
  CHECK(task->final());
  CHECK(heard.states ==
        std::vector<std::string>{"input_required", "working", "working", "completed"});
}

TEST_CASE("cancelling is final and wakes who waits") {
  FakeClock clock;
  std::stop_source stop;
  Task task("id", "me", clock, stop);
  const Question question{"name", "elicitation/create", {}};
  auto answers = std::async(std::launch::async, [&] { return task.Ask({&question, 1}); });
  while (task.Describe(false)["status"] != "input_required") std::this_thread::yield();
  task.Cancel();
  CHECK(answers.get().error().code == ErrorCode::kCancelled);
  CHECK(stop.stop_requested());
  task.Complete({{"late", true}});
  task.Fail({{"late", true}});
  CHECK(task.Describe(true)["status"] == "cancelled");
  CHECK_FALSE(task.Describe(true).contains("result"));
}

TEST_CASE("a finished task stays finished") {
  FakeClock clock;
  Task task("id", "me", clock, {});
  task.Fail({{"code", -32603}});
  task.Cancel();
  CHECK(task.Describe(true)["status"] == "failed");
  CHECK(task.Describe(true)["error"]["code"] == -32603);
}

TEST_CASE("tasks are their owner's, and are forgotten when they are old and many") {
  FakeClock clock;
  TaskTable table(clock, 2);
  const auto mine = table.Create("me", {});
  const auto running = table.Create("me", {});
  CHECK(table.Find(mine->id(), "me") == mine);
  CHECK(table.Find(mine->id(), "you") == nullptr);
  CHECK(table.Find("no such", "me") == nullptr);
  CHECK(table.Create("me", {}) == nullptr);
  mine->Complete({});
  CHECK(table.Create("me", {}) == nullptr);  // its result may still be wanted
  clock.Advance(std::chrono::hours(2));
  CHECK(table.Create("me", {}) != nullptr);
  CHECK(table.Find(mine->id(), "me") == nullptr);
  CHECK(table.Find(running->id(), "me") == running);
  table.CancelAll();
  CHECK(running->final());
}

}  // namespace hearth::mcp
