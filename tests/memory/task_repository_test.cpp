#include "memory/task_repository.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "runtime/base/time_format.h"

namespace hearth::memory {
namespace {

struct Fixture {
  FakeClock clock{*ParseRfc3339("2026-11-21T12:00:00Z")};
  std::unique_ptr<Store> store = *Store::Open(":memory:", clock);
  TaskRepository tasks{*store, "default"};

  int64_t Add(const std::string& title, TaskPriority priority = TaskPriority::kMedium) {
    return tasks.Create({.title = title, .priority = priority})->id;
  }
};

std::string Ids(const Result<std::vector<Task>>& tasks) {
  std::string ids;
  for (const auto& task : *tasks) ids += (ids.empty() ? "" : " ") + std::to_string(task.id);
  return ids;
}

TEST_CASE_METHOD(Fixture, "a task comes back as it was made") {
  const auto made = tasks.Create({.title = " \u3000Review PR\n",
                                  .priority = TaskPriority::kHigh,
                                  .due_date = "2026-11-22",
                                  .notes = "with 'quotes' and \"more\"\nlines",
                                  .tags = {"work", "caf\u00E9"},
                                  .writer = Trust::kUntrusted});
  REQUIRE(made.ok());
  const Task task = *tasks.Get(1);
  CHECK(DumpJson(ToJson(task)) == DumpJson(ToJson(*made)));
  CHECK(
      DumpJson(ToJson(task)) ==
      R"({"id":1,"title":"Review PR","status":"pending","priority":"high","due_date":"2026-11-22",)"
      R"("notes":"with 'quotes' and \"more\"\nlines","tags":["work","café"],)"
      R"("created_at":"2026-11-21T12:00:00Z"})");
  CHECK(task.trust == Trust::kUntrusted);

  const Task plain = *tasks.Create({.title = "x"});
  CHECK(plain.priority == TaskPriority::kMedium);
  CHECK(plain.status == TaskStatus::kPending);
  CHECK(ToJson(plain)["due_date"].is_null());
  CHECK(ToJson(plain)["notes"].is_null());
  CHECK(ToJson(plain)["tags"] == Json::array());
}

TEST_CASE_METHOD(Fixture, "what a task cannot hold is refused by name") {
  struct Case {
    NewTask task;
    std::string reason;
  };
  const std::vector<Case> cases = {
      {{.title = ""}, "title is empty"},
      {{.title = " \u2003 "}, "title is empty"},
      {{.title = "a\xFF"}, "title is not valid UTF-8"},
      {{.title = std::string("a\0b", 3)}, "NUL"},
      {{.title = std::string(501, 'x')}, "title has 501 characters; at most 500"},
      {{.title = "x", .due_date = "tomorrow"}, "due_date 'tomorrow' is no date"},
      {{.title = "x", .due_date = "2026-02-30"}, "YYYY-MM-DD"},
      {{.title = "x", .notes = std::string(20'001, 'n')}, "notes has 20001"},
      {{.title = "x", .tags = std::vector<std::string>(51, "t")}, "tags has 51 entries"},
      {{.title = "x", .tags = {std::string(101, 't')}}, "a tag has 101"},
  };
  for (const auto& c : cases) {
    const auto made = tasks.Create(c.task);
    REQUIRE_FALSE(made.ok());
    INFO(made.error().message);
    CHECK(made.error().code == ErrorCode::kInvalidArgument);
    CHECK(made.error().message.find(c.reason) != std::string::npos);
  }
  CHECK(tasks.List()->empty());
  std::string longest;
  for (int i = 0; i < 500; ++i) longest += "漢";
  CHECK(tasks.Create({.title = longest}).ok());
}

TEST_CASE_METHOD(Fixture, "ids count from one in each repository and are not reused") {
  TaskRepository work(*store, "work");
  CHECK(Add("a") == 1);
  CHECK(Add("b") == 2);
  CHECK(work.Create({.title = "c"})->id == 1);
  REQUIRE(tasks.Delete(2).ok());
  CHECK(Add("d") == 3);
  REQUIRE(tasks.Delete(1).ok());
  REQUIRE(tasks.Delete(3).ok());
  CHECK(Add("e") == 4);
  CHECK(work.List()->size() == 1);
  // A creation that failed gives its id back: nobody has seen it.
  CHECK_FALSE(tasks.Create({.title = ""}).ok());
  CHECK(Add("f") == 5);
}

TEST_CASE_METHOD(Fixture, "repositories") {
  CHECK(ListRepositories(*store)->front().name == "default");
  CHECK(TaskRepository(*store, "absent").List()->empty());
  CHECK(ListRepositories(*store)->size() == 1);
  REQUIRE(TaskRepository(*store, "A.b-c_9").Create({.title = "x"}).ok());
  const auto all = *ListRepositories(*store);
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "A.b-c_9");
  CHECK(all[0].tasks == 1);
  for (const std::string& name : {std::string(), std::string(65, 'x'), std::string("a b"),
                                  std::string("é"), std::string("a/b")}) {
    const auto made = TaskRepository(*store, name).Create({.title = "x"});
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().message.find("cannot name a task repository") != std::string::npos);
  }
}

TEST_CASE_METHOD(Fixture, "lists put the most pressing first, then the oldest") {
  Add("1 low", TaskPriority::kLow);
  Add("2 medium");
  Add("3 urgent", TaskPriority::kUrgent);
  Add("4 high", TaskPriority::kHigh);
  Add("5 medium");
  Add("6 urgent", TaskPriority::kUrgent);
  CHECK(Ids(tasks.List()) == "3 6 4 2 5 1");
  REQUIRE(tasks.Update(6, {.status = TaskStatus::kCompleted}).ok());
  REQUIRE(tasks.Update(2, {.status = TaskStatus::kInProgress}).ok());
  CHECK(Ids(tasks.List(TaskStatus::kPending)) == "3 4 5 1");
  CHECK(Ids(tasks.List(TaskStatus::kCompleted)) == "6");
  CHECK(Ids(tasks.List(TaskStatus::kCancelled)).empty());
}

TEST_CASE_METHOD(Fixture, "search finds every word of the query in the title") {
  Add("Call the DENTIST");
  Add("Zahnarzt in der Straße anrufen", TaskPriority::kHigh);
  Add("Pagar 100% de la factura_2");
  Add("ΣΊΣΥΦΟΣ lesen");
  Add("Buy caf\u00C9 beans");
  Add("call mum");
  struct Case {
    std::string query, ids;
  };
  const std::vector<Case> cases = {
      {"dentist", "1"},    {"call", "1 6"},
      {"the call", "1"},   {"call plumber", ""},
      {"STRASSE", "2"},    {"straße", "2"},
      {"σίσυφος", "4"},    {"Caf\u00E9", "5"},
      {"100%", "3"},       {"%", "3"},
      {"_", "3"},          {"a_t", ""},
      {"\\", ""},          {"factura_2 100", "3"},
      {"", "2 1 3 4 5 6"}, {" \u00A0 ", "2 1 3 4 5 6"},
      {"' OR 1=1", ""},    {"\"", ""},
      {"a", "2 1 3 5 6"},  {"al\nca", "1 6"},
  };
  for (const auto& c : cases) {
    INFO(c.query);
    CHECK(Ids(tasks.Search(c.query)) == c.ids);
  }
  CHECK_FALSE(tasks.Search("\xFF").ok());
  CHECK_FALSE(tasks.Search(std::string(1001, 'a')).ok());
  REQUIRE(tasks.Update(6, {.title = "Call DAD"}).ok());
  CHECK(Ids(tasks.Search("mum")).empty());
  CHECK(Ids(tasks.Search("dad")) == "6");
}

TEST_CASE_METHOD(Fixture, "updates change what they name and nothing else") {
  const auto before = *tasks.Create({.title = "a",
                                     .priority = TaskPriority::kLow,
                                     .due_date = "2026-01-01",
                                     .notes = "n",
                                     .tags = {"t"}});
  clock.Advance(std::chrono::seconds(1));
  auto after = *tasks.Update(1, {.status = TaskStatus::kCompleted});
  CHECK(after.status == TaskStatus::kCompleted);
  CHECK(after.updated_at == before.updated_at + std::chrono::seconds(1));
  Json expected = ToJson(before);
  expected["status"] = "completed";
  CHECK(ToJson(after) == expected);

  REQUIRE(
      tasks.Update(1, {.title = " b ", .priority = TaskPriority::kUrgent, .notes = std::nullopt})
          .ok());
  TaskUpdate clear;
  clear.due_date.emplace(std::nullopt);
  clear.notes.emplace(std::nullopt);
  clear.tags.emplace();
  after = *tasks.Update(1, clear);
  CHECK(after.title == "b");
  CHECK(after.priority == TaskPriority::kUrgent);
  CHECK_FALSE(after.due_date);
  CHECK_FALSE(after.notes);
  CHECK(after.tags.empty());
  CHECK(ToJson(*tasks.Get(1)) == ToJson(after));

  CHECK_FALSE(tasks.Update(1, {.title = ""}).ok());
  CHECK(tasks.Get(1)->title == "b");
}

TEST_CASE_METHOD(Fixture, "a row is as trusted as the least trusted writer of its words") {
  Add("a");
  CHECK(tasks.Update(1, {.status = TaskStatus::kCompleted, .writer = Trust::kUntrusted})->trust ==
        Trust::kTrusted);
  TaskUpdate notes{.writer = Trust::kUntrusted};
  notes.notes.emplace("from a web page");
  CHECK(tasks.Update(1, notes)->trust == Trust::kUntrusted);
  CHECK(tasks.Update(1, {.title = "b"})->trust == Trust::kUntrusted);
}

TEST_CASE_METHOD(Fixture, "a missing id is answered with the ids there are") {
  const auto check = [&](const Result<Task>& result, const std::string& reason) {
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == ErrorCode::kNotFound);
    CHECK(result.error().message == reason);
  };
  check(tasks.Get(1), "there is no task 1; the task list is empty");
  Add("a", TaskPriority::kLow);
  Add("b", TaskPriority::kUrgent);
  check(tasks.Get(7), "there is no task 7; the ids are 1, 2");
  check(tasks.Update(-1, {}), "there is no task -1; the ids are 1, 2");
  check(tasks.Delete(0), "there is no task 0; the ids are 1, 2");
  for (int i = 0; i < 30; ++i) Add("x");
  CHECK(tasks.Get(99).error().message.ends_with("19, 20, ..."));
}

TEST_CASE_METHOD(Fixture, "stats count by status, and urgent ones that are open") {
  for (const auto priority : {TaskPriority::kUrgent, TaskPriority::kLow}) {
    for (const auto status : {TaskStatus::kPending, TaskStatus::kInProgress, TaskStatus::kCompleted,
                              TaskStatus::kCancelled, TaskStatus::kCancelled}) {
      REQUIRE(tasks.Update(Add("x", priority), {.status = status}).ok());
    }
  }
  const TaskStats stats = *tasks.Stats();
  CHECK(stats.total == 10);
  CHECK(stats.pending == 2);
  CHECK(stats.in_progress == 2);
  CHECK(stats.completed == 2);
  CHECK(stats.cancelled == 4);
  CHECK(stats.urgent_pending == 2);
  CHECK(TaskRepository(*store, "absent").Stats()->total == 0);
}

TEST_CASE_METHOD(Fixture, "import keeps ids and goes on counting after them") {
  Task seven;
  seven.id = 7;
  seven.title = "seven";
  seven.status = TaskStatus::kInProgress;
  Task three;
  three.id = 3;
  three.title = "three";
  REQUIRE(tasks.Import(std::vector<Task>{seven, three}).ok());
  CHECK(Ids(tasks.List()) == "3 7");
  CHECK(tasks.Get(7)->status == TaskStatus::kInProgress);
  CHECK(Add("next") == 8);
  CHECK(tasks.Import(std::vector<Task>{three}).error().code == ErrorCode::kConflict);

  TaskRepository other(*store, "other");
  Task bad;
  bad.id = 0;
  bad.title = "x";
  CHECK_FALSE(other.Import(std::vector<Task>{three, bad}).ok());
  CHECK(other.List()->empty());
  CHECK_FALSE(other.Import(std::vector<Task>{three, three}).ok());
  REQUIRE(other.Import({}).ok());
  CHECK(other.Create({.title = "x"})->id == 1);
}

}  // namespace
}  // namespace hearth::memory
