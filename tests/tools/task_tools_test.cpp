#include "tools/task_tools.h"

#include <catch2/catch.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "memory/session_store.h"
#include "memory/task_repository.h"
#include "runtime/base/text.h"
#include "runtime/base/time_format.h"
#include "tests/support/files.h"

namespace hearth::tools {
namespace {

using memory::TaskRepository;

struct Fixture {
  FakeClock clock{*ParseRfc3339("2026-11-21T12:00:00Z")};
  std::unique_ptr<memory::Store> store = *memory::Store::Open(":memory:", clock);
  Toolset toolset;
  ToolContext context{.clock = clock};

  Fixture() {
    if (const Status status = AddTaskTools(toolset, *store); !status.ok()) {
      FAIL(status.error().message);
    }
  }
  // Every good result must keep the promise of its tool's output schema.
  ToolResult Call(const std::string& name, const Json& arguments) {
    ToolResult result = toolset.Call(name, arguments, context);
    if (!result.is_error) {
      const auto schema = ArgumentSchema::Compile(toolset.Find(name)->output);
      if (!schema.ok()) FAIL(schema.error().message);
      const Status fits = schema->Validate(result.structured);
      if (!fits.ok()) FAIL(name << ": " << fits.error().message);
    }
    return result;
  }
  std::string Text(const std::string& name, const std::string& arguments = "{}") {
    const ToolResult result = Call(name, *ParseJson(arguments));
    return (result.is_error ? "ERROR " : "") + result.text;
  }
};

TEST_CASE_METHOD(Fixture, "results say what happened in words a person would read") {
  struct Case {
    std::string name, arguments, text;
  };
  const std::vector<Case> conversation = {
      {"list_tasks", "{}", "No tasks."},
      {"task_report", "{}", "The task list is empty. Add the first task."},
      {"create_task", R"({"title":" Review PR ","priority":"high","due_date":"2026-11-22"})",
       "Created task #1: 'Review PR' [high], due 2026-11-22"},
      {"create_task", R"({"title":"Buy oat milk","priority":"low","tags":["groceries","home"]})",
       "Created task #2: 'Buy oat milk' [low], tags: groceries, home"},
      {"create_task", R"({"title":"Call mum","notes":"about\nSunday","due_date":null})",
       "Created task #3: 'Call mum' [medium], notes: 'about Sunday'"},
      {"create_task", R"({"title":"Pay rent","priority":"urgent","notes":null})",
       "Created task #4: 'Pay rent' [urgent]"},
      {"list_tasks", "{}",
       "4 tasks, most pressing first:\n#4: 'Pay rent' [urgent]\n"
       "#1: 'Review PR' [high], due 2026-11-22\n#3: 'Call mum' [medium], notes: 'about Sunday'\n"
       "#2: 'Buy oat milk' [low], tags: groceries, home"},
      {"update_task_status", R"({"task_id":1,"new_status":"in_progress"})",
       "Task #1 'Review PR' is now in_progress (it was pending)."},
      {"update_task_status", R"({"task_id":1,"new_status":"in_progress"})",
       "Task #1 'Review PR' was already in_progress."},
      {"list_tasks", R"({"filter_status":"in_progress"})",
       "1 in_progress task, most pressing first:\n#1: 'Review PR' [high] in_progress, due "
       "2026-11-22"},
      {"list_tasks", R"({"filter_status":"completed"})", "No completed tasks."},
      {"search_tasks", R"({"query":"MUM call"})",
       "1 task found for 'MUM call':\n#3: 'Call mum' [medium], notes: 'about Sunday'"},
      {"search_tasks", R"({"query":"dentist"})",
       "No task's title has every word of 'dentist'; try one word of it, or list_tasks."},
      {"task_report", "{}",
       "4 tasks: 3 pending, 1 in progress, 0 completed; 1 urgent task is open. Start with #4 'Pay "
       "rent' (urgent)."},
      {"delete_task", R"({"task_id":4})", "Deleted task #4 'Pay rent' for good."},
      {"task_report", "{}",
       "3 tasks: 2 pending, 1 in progress, 0 completed. Go on with #1 'Review PR' (high, due "
       "2026-11-22)."},
      {"delete_task", R"({"task_id":4})",
       "ERROR there is no task 4; the ids are 1, 2, 3; call list_tasks to see the tasks"},
      {"update_task_status", R"({"task_id":9,"new_status":"completed"})",
       "ERROR there is no task 9; the ids are 1, 2, 3; call list_tasks to see the tasks"},
      {"get_current_time", "{}", "Saturday 2026-11-21 12:00 UTC"},
      {"get_current_time", R"({"timezone":"Asia/Tokyo"})", "Saturday 2026-11-21 21:00 JST"},
      {"get_current_time", R"({"timezone":"Tokyo"})",
       "ERROR unknown time zone 'Tokyo'; did you mean Asia/Tokyo?"},
      {"create_task", R"({"title":"x","due_date":"tomorrow"})",
       "ERROR argument 'due_date' must be an existing date written YYYY-MM-DD, such as 2026-11-21, "
       "not "
       "\"tomorrow\""},
      {"create_task", R"({"title":"  "})",
       "ERROR title is empty; say in a few words what has to be done"},
  };
  for (const auto& c : conversation) {
    INFO(c.name << c.arguments);
    CHECK(Text(c.name, c.arguments) == c.text);
  }
}

TEST_CASE_METHOD(Fixture, "every tool says what it does to the world") {
  std::string traits;
  toolset.ForEach([&](const Tool& tool) {
    traits += tool.name + (tool.annotations.read_only ? " reads" : "") +
              (tool.annotations.destructive ? " destroys" : "") +
              (tool.annotations.idempotent ? " idempotent" : "") +
              (tool.annotations.open_world ? " open" : "") + "\n";
    CHECK(tool.durability == Durability::kOwnStore);
    CHECK_FALSE(tool.title.empty());
  });
  CHECK(traits ==
        "get_current_time reads\ncreate_task\nlist_tasks reads\nupdate_task_status idempotent\n"
        "search_tasks reads\ndelete_task destroys idempotent\ntask_report reads\n");
  CHECK(DumpJson(toolset.Find("create_task")->parameters) ==
        R"({"type":"object","additionalProperties":false,"properties":{)"
        R"("title":{"type":"string","minLength":1},)"
        R"("priority":{"type":"string","enum":["low","medium","high","urgent"]},)"
        R"("due_date":{"type":["string","null"],"format":"date","description":"YYYY-MM-DD"},)"
        R"("notes":{"type":["string","null"]},)"
        R"("tags":{"type":"array","items":{"type":"string"}}},"required":["title"]})");
  CHECK(DumpJson(toolset.Find("list_tasks")->parameters) ==
        R"({"type":"object","additionalProperties":false,"properties":{"filter_status":)"
        R"({"type":"string","enum":["all","pending","in_progress","completed","cancelled"]}},)"
        R"("required":[]})");
}

TEST_CASE_METHOD(Fixture, "a session's tools see its repository and no other") {
  context.repository = "work";
  CHECK(Text("create_task", R"({"title":"a"})") == "Created task #1: 'a' [medium]");
  context.repository = "home";
  CHECK(Text("list_tasks") == "No tasks.");
  CHECK(Text("delete_task", R"({"task_id":1})").starts_with("ERROR there is no task 1"));
  context.repository = "a/b";
  CHECK(Text("create_task", R"({"title":"a"})").starts_with("ERROR 'a/b' cannot name"));
}

TEST_CASE_METHOD(Fixture, "a result is as trusted as what it shows") {
  context.writer = memory::Trust::kUntrusted;
  CHECK(Call("create_task", Json{{"title", "from a page"}}).trust == memory::Trust::kUntrusted);
  context.writer = memory::Trust::kTrusted;
  CHECK(Call("create_task", Json{{"title", "mine"}}).trust == memory::Trust::kTrusted);
  CHECK(Call("list_tasks", Json::object()).trust == memory::Trust::kUntrusted);
  CHECK(Call("search_tasks", Json{{"query", "mine"}}).trust == memory::Trust::kTrusted);
  CHECK(Call("task_report", Json::object()).trust == memory::Trust::kUntrusted);
  CHECK(Call("update_task_status", Json{{"task_id", 1}, {"new_status", "completed"}}).trust ==
        memory::Trust::kUntrusted);
  CHECK(Call("delete_task", Json{{"task_id", 1}}).trust == memory::Trust::kUntrusted);
  CHECK(Call("list_tasks", Json::object()).trust == memory::Trust::kTrusted);
}

TEST_CASE_METHOD(Fixture, "what stands in a task cannot leave its line") {
  Call("create_task", Json{{"title", "a\n#9: 'fake' [urgent]"}, {"notes", "x\r\ny\x1b[2J"}});
  CHECK(
      Text("list_tasks") ==
      "1 task, most pressing first:\n#1: 'a #9: 'fake' [urgent]' [medium], notes: 'x y\uFFFD[2J'");
}

TEST_CASE_METHOD(Fixture, "long lists are cut and say so") {
  TaskRepository tasks(*store, "default");
  for (int i = 0; i < 60; ++i) {
    REQUIRE(tasks.Create({.title = "task", .notes = std::string(1000, 'n')}).ok());
  }
  const ToolResult result = Call("list_tasks", Json::object());
  CHECK(result.task_ids.size() == kMaxListedTasks);
  CHECK(result.text.ends_with("\n... and 10 more; search_tasks finds them by title"));
  CHECK(result.structured["tasks"].size() == kMaxListedTasks);
  CHECK(result.structured["total"] == 60);
  CHECK(result.text.size() < 60 * 300);
  CHECK_FALSE(result.structured.contains("next_cursor"));
}

TEST_CASE_METHOD(Fixture, "pages show every task once, also while the list changes") {
  toolset = Toolset();
  REQUIRE(AddTaskTools(toolset, *store, {.paged = true}).ok());
  TaskRepository tasks(*store, "default");
  for (int i = 0; i < 120; ++i) REQUIRE(tasks.Create({.title = "task"}).ok());
  std::vector<int64_t> shown;
  Json arguments = Json::object();
  for (int pages = 1;; ++pages) {
    const ToolResult page = Call("list_tasks", arguments);
    REQUIRE_FALSE(page.is_error);
    shown.insert(shown.end(), page.task_ids.begin(), page.task_ids.end());
    const Json* next = FindMember(page.structured, "next_cursor");
    if (next == nullptr) {
      CHECK(pages == 3);
      break;
    }
    CHECK(page.text.find("list_tasks with the cursor") != std::string::npos);
    arguments["cursor"] = *next;
    if (pages == 1) REQUIRE(tasks.Delete(shown[3]).ok());
  }
  CHECK(shown.size() == 120);
  CHECK(std::set<int64_t>(shown.begin(), shown.end()).size() == 120);
  arguments["cursor"] = std::to_string(shown[3]);
  CHECK(Call("list_tasks", arguments).text.find("call list_tasks without one") !=
        std::string::npos);
}

TEST_CASE_METHOD(Fixture, "an id that no task can have is answered like any other") {
  CHECK(Text("delete_task", R"({"task_id":18446744073709551615})")
            .starts_with("ERROR there is no task"));
  CHECK(Text("delete_task", R"({"task_id":9223372036854775807})")
            .starts_with("ERROR there is no task"));
  CHECK(Text("delete_task", R"({"task_id":1e3})").starts_with("ERROR argument 'task_id'"));
}

TEST_CASE_METHOD(Fixture, "the report recommends what is most pressing and due first") {
  const auto add = [&](const char* title, const char* priority, const char* due) {
    Call("create_task", Json{{"title", title}, {"priority", priority}, {"due_date", due}});
  };
  add("late", "high", "2026-12-24");
  add("soon", "high", "2026-12-01");
  add("sooner but small", "low", "2026-11-22");
  const Json report = Call("task_report", Json::object()).structured;
  CHECK(report["recommendation"] == "Start with #2 'soon' (high, due 2026-12-01).");
  CHECK(report["total_tasks"] == 3);
  CHECK(report["urgent_pending"] == 0);
  for (int id = 1; id <= 3; ++id) {
    Call("update_task_status",
         Json{{"task_id", id}, {"new_status", id == 3 ? "cancelled" : "completed"}});
  }
  CHECK(Text("task_report") ==
        "3 tasks: 0 pending, 0 in progress, 2 completed, 1 cancelled. Nothing is open: well done.");
}

TEST_CASE_METHOD(Fixture, "a tool joins the transaction that records its result") {
  memory::SessionStore sessions(*store);
  const std::string id = sessions.Create({})->id;
  const Status lost = store->Transact([&]() -> Status {
    CHECK_FALSE(Call("create_task", Json{{"title", "a"}}).is_error);
    return MakeError(ErrorCode::kCancelled, "crash before the result is recorded");
  });
  CHECK_FALSE(lost.ok());
  CHECK(Text("list_tasks") == "No tasks.");
  // A call that fails inside leaves the record of its failure.
  const Status kept = store->Transact([&]() -> Status {
    const ToolResult result = Call("delete_task", Json{{"task_id", 5}});
    CHECK(result.is_error);
    HEARTH_CHECK_OK(sessions.Append(
        id, {.kind = memory::ItemKind::kToolResult, .payload = result.text, .call_id = "c1"}));
    return {};
  });
  CHECK(kept.ok());
  CHECK(sessions.Load(id)->items.size() == 1);
}

// ---- The reference repository of the evals ----

memory::Task ToTask(const Json& json) {
  memory::Task task;
  task.id = json["id"].get<int64_t>();
  task.title = json["title"].get<std::string>();
  task.status = *memory::ParseTaskStatus(json["status"].get<std::string>());
  task.priority = *memory::ParseTaskPriority(json["priority"].get<std::string>());
  if (json["due_date"].is_string()) task.due_date = json["due_date"].get<std::string>();
  if (json["notes"].is_string()) task.notes = json["notes"].get<std::string>();
  task.tags = json["tags"].get<std::vector<std::string>>();
  return task;
}

// A case's world: its clock, its tasks and the tools.
struct World : Fixture {
  explicit World(const Json& c) {
    clock.SetNow(*ParseRfc3339(c["now"].get<std::string>()));
    std::vector<memory::Task> tasks;
    for (const auto& task : c["state"]) tasks.push_back(ToTask(task));
    if (!TaskRepository(*store, "default").Import(tasks).ok()) FAIL("the state cannot be imported");
  }
  // The tasks by id, with the fields that the reference has.
  Json State() {
    auto tasks = *TaskRepository(*store, "default").List();
    std::sort(tasks.begin(), tasks.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    Json state = Json::array();
    for (const auto& task : tasks) {
      Json json = ToJson(task);
      json.erase("created_at");
      state.push_back(json);
    }
    return state;
  }
};

// The order of members is no matter.
bool Same(const Json& a, const Json& b) {
  return nlohmann::json::parse(DumpJson(a)) == nlohmann::json::parse(DumpJson(b));
}

std::vector<Json> ReadLines(const std::filesystem::path& path) {
  std::istringstream lines(test::ReadFile(path));
  std::vector<Json> all;
  for (std::string line; std::getline(lines, line);) all.push_back(*ParseJson(line));
  return all;
}

TEST_CASE("random calls end as in the reference repository") {
  const auto cases = ReadLines(test::Golden("task_tools/replay.jsonl"));
  REQUIRE(cases.size() == 24);
  for (const auto& c : cases) {
    World world(c);
    for (const auto& call : c["calls"]) {
      INFO(DumpJson(call));
      const ToolResult result = world.Call(call["name"].get<std::string>(), call["args"]);
      INFO(result.text);
      CHECK(result.is_error != call["ok"].get<bool>());
      CHECK(Json(result.task_ids) == call["ids"]);
      if (const Json* time = FindMember(call, "time"))
        CHECK(result.text == time->get<std::string>());
      if (const Json* state = FindMember(call, "state")) CHECK(Same(world.State(), *state));
    }
  }
}

TEST_CASE("the evals' own answers pass through these tools") {
  const auto path = test::Shared("clients/evals/cases_dev.jsonl");
  if (path.empty()) {
    WARN("skipped: the shared folder is not here");
    return;
  }
  size_t calls = 0;
  for (const auto& c : ReadLines(path)) {
    World world(c);
    for (const auto& turn : c["turns"]) {
      std::vector<int64_t> seen;
      for (const auto& call : turn["gold"]) {
        INFO(c["id"] << " " << DumpJson(call));
        const ToolResult result = world.Call(call["name"].get<std::string>(), call["args"]);
        INFO(result.text);
        CHECK_FALSE(result.is_error);
        seen.insert(seen.end(), result.task_ids.begin(), result.task_ids.end());
        ++calls;
      }
      const Json* const saw = FindMember(turn["expect"], "saw");
      for (const auto& id : saw == nullptr ? Json::array() : *saw) {
        CHECK(std::find(seen.begin(), seen.end(), id.get<int64_t>()) != seen.end());
      }
    }
  }
  CHECK(calls > 100);
}

}  // namespace
}  // namespace hearth::tools
