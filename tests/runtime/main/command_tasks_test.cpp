#include "runtime/main/command_tasks.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/time_format.h"
#include "runtime/main/exit_codes.h"
#include "tests/memory/temp_directory.h"

namespace hearth::main {
namespace {

struct Outcome {
  int status;
  std::string out, err;
};

struct Fixture {
  TempDirectory temp;
  FakeClock clock{*ParseRfc3339("2026-11-21T12:00:00Z")};

  // The settings of whoever runs the tests are not the tests' own.
  Fixture() { setenv("XDG_CONFIG_HOME", temp.path().c_str(), 1); }
  // `hearth tasks ARGUMENTS --db FILE`
  Outcome Tasks(std::vector<std::string> arguments) {
    CLI::App app;
    std::ostringstream out, err;
    int status = -1;
    AddTasksCommand(app, clock, out, err, status);
    arguments.insert(arguments.begin(), {"tasks", "--db", (temp / "hearth.db").string()});
    std::reverse(arguments.begin(), arguments.end());
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError& error) {
      status = 2;
      err << error.what();
    }
    return {status, out.str(), err.str()};
  }
  std::string Out(const std::vector<std::string>& arguments) {
    const Outcome outcome = Tasks(arguments);
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    return outcome.out;
  }
};

TEST_CASE_METHOD(Fixture, "a person's day with the task list") {
  CHECK(Out({"list"}) == "No open tasks.\n");
  CHECK(Out({"add", "Review", "PR", "--priority", "high", "--due", "2026-11-22"}) ==
        "Added #1 'Review PR' [high], due 2026-11-22\n");
  CHECK(Out({"add", "Buy oat milk", "-p", "low", "-t", "groceries", "--tag", "home"}) ==
        "Added #2 'Buy oat milk' [low]\n");
  CHECK(Out({"add", "漢字を書く", "--notes", "slowly,\nwith care"}) ==
        "Added #3 '漢字を書く' [medium]\n");
  CHECK(Out({"start", "1"}) == "Marked in_progress: #1 'Review PR' [high], due 2026-11-22\n");
  CHECK(Out({"list"}) ==
        "ID  PRIORITY  STATUS       DUE         TITLE         TAGS            NOTES\n"
        "1   high      in_progress  2026-11-22  Review PR\n"
        "3   medium    pending      -           漢字を書く                    slowly, with care\n"
        "2   low       pending      -           Buy oat milk  groceries home\n");
  CHECK(Out({"search", "MILK"}) ==
        "ID  PRIORITY  STATUS   DUE  TITLE         TAGS            NOTES\n"
        "2   low       pending  -    Buy oat milk  groceries home\n");
  CHECK(Out({"search", "milk", "eggs"}) == "No task's title has all of these words.\n");
  CHECK(Out({"done", "1", "3"}) ==
        "Marked completed: #1 'Review PR' [high], due 2026-11-22\n"
        "Marked completed: #3 '漢字を書く' [medium]\n");
  CHECK(Out({"list"}).ends_with("2 completed or cancelled not shown (--all)\n"));
  CHECK(Out({"list", "--all"}).find("漢字") != std::string::npos);
  CHECK(Out({"list", "--status", "completed"}).find("oat") == std::string::npos);
  CHECK(Out({"report"}) ==
        "3 tasks: 1 pending, 0 in progress, 2 completed.\nStart with #2 'Buy oat milk' (low).\n");
  CHECK(Out({"cancel", "2"}) == "Marked cancelled: #2 'Buy oat milk' [low]\n");
  CHECK(Out({"rm", "2"}) == "Removed #2 'Buy oat milk' [low]\n");
  CHECK(Out({"list", "--repo", "work"}) == "No open tasks.\n");
  CHECK(Out({"add", "x", "--repo", "work"}) == "Added #1 'x' [medium]\n");
}

TEST_CASE_METHOD(Fixture, "a script gets JSON") {
  const Json task = *ParseJson(Out({"add", "a", "--json"}));
  CHECK(
      DumpJson(task) ==
      R"({"id":1,"title":"a","status":"pending","priority":"medium","due_date":null,"notes":null,)"
      R"("tags":[],"created_at":"2026-11-21T12:00:00Z"})");
  CHECK(*ParseJson(Out({"--json", "list"})) == Json{{"tasks", {task}}});
  CHECK((*ParseJson(Out({"done", "1", "--json"})))["tasks"][0]["status"] == "completed");
  CHECK(*ParseJson(Out({"list", "--json"})) == Json{{"tasks", Json::array()}});
  CHECK((*ParseJson(Out({"list", "--all", "--json"})))["tasks"].size() == 1);
  CHECK((*ParseJson(Out({"search", "a", "--json"})))["tasks"].size() == 1);
  CHECK((*ParseJson(Out({"report", "--json"})))["completed_count"] == 1);
  CHECK((*ParseJson(Out({"rm", "1", "--json"})))["tasks"][0]["id"] == 1);
}

TEST_CASE_METHOD(Fixture, "edit changes what was named, and none clears") {
  Out({"add", "a", "--due", "2026-01-01", "--notes", "n", "--tag", "t", "--tag", "u"});
  CHECK(Out({"edit", "1", "--title", "b", "--priority", "urgent", "--status", "in_progress"}) ==
        "Changed #1 'b' [urgent], due 2026-01-01\n");
  const Json task =
      *ParseJson(Out({"edit", "1", "--due", "none", "--notes", "none", "--tag", "none", "--json"}));
  CHECK(task["tasks"][0]["due_date"].is_null());
  CHECK(task["tasks"][0]["notes"].is_null());
  CHECK(task["tasks"][0]["tags"].empty());
  CHECK(task["tasks"][0]["status"] == "in_progress");
}

TEST_CASE_METHOD(Fixture, "what goes wrong is said on stderr, and by the exit status") {
  struct Case {
    std::vector<std::string> arguments;
    int status;
    std::string reason;
  };
  Out({"add", "a"});
  const std::vector<Case> cases = {
      {{"done", "7"}, 4, "hearth tasks: there is no task 7; the ids are 1"},
      {{"rm", "1", "7"}, 4, "there is no task 7"},
      {{"add", "a", "--due", "soon"}, 2, "due_date 'soon' is no date"},
      {{"add", "a", "--priority", "top"}, 2, "use one of urgent, high, medium, low"},
      {{"add", " "}, 2, "title is empty"},
      {{"add"}, 2, "TITLE is required"},
      {{"done", "one"}, 2, "'one' is no task id"},
      {{"rm", "1", "99999999999999999999"}, 2, "is no task id"},
      {{"list", "--status", "open"}, 2, "use one of pending"},
      {{"list", "--repo", "a/b"}, 2, "cannot name a task repository"},
      {{"fly"}, 2, ""},
      {{}, 2, "A subcommand is required"},
      {{"edit", "1"}, 2, "nothing to change; give --title"},
      {{"edit", "1", "--due", "2026-02-30"}, 2, "is no date"},
      {{"edit", "1", "--due", ""}, 2, "is no date"},
      {{"edit", "1", "--title", ""}, 2, "title is empty"},
      {{"edit", "1", "--status", ""}, 2, "unknown status ''"},
  };
  for (const auto& c : cases) {
    const Outcome outcome = Tasks(c.arguments);
    INFO(outcome.err);
    CHECK(outcome.status == c.status);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(c.reason) != std::string::npos);
  }
  // The wrong id has kept the right one from being removed.
  CHECK(Out({"list"}).find("1   medium") != std::string::npos);
  std::ofstream(temp / "hearth.db", std::ios::trunc) << std::string(5000, 'x');
  std::filesystem::remove(temp / "hearth.db-wal");
  CHECK(Tasks({"list"}).status == 2);
}

TEST_CASE_METHOD(Fixture, "a title cannot play with the terminal") {
  Out({"add", "\x1b[2J\x1b]0;owned\x07 b"});
  CHECK(Out({"list"}).find('\x1b') == std::string::npos);
  CHECK(Out({"done", "1"}).find('\x1b') == std::string::npos);
  CHECK(Out({"report"}).find('\x1b') == std::string::npos);
  CHECK(Out({"list", "--all", "--json"}).find('\x1b') == std::string::npos);
}

}  // namespace
}  // namespace hearth::main
