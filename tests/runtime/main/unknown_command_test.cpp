#include "runtime/main/unknown_command.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace hearth::main {
namespace {

struct Fixture {
  CLI::App app{"", "hearth"};
  std::string text;
  std::vector<std::string> message;

  Fixture() {
    app.add_subcommand("run")->add_option("message", message);
    auto* tasks = app.add_subcommand("tasks");
    tasks->add_option("--db", text);
    tasks->add_flag("--json");
    for (const char* name : {"list", "add", "done"}) tasks->add_subcommand(name);
  }
  std::string Say(std::vector<std::string> arguments) {
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    return UnknownCommand(app, argv).value_or("");
  }
};

TEST_CASE_METHOD(Fixture, "a mistyped command is told with the one that was meant") {
  CHECK(Say({"taks"}) ==
        "there is no command 'hearth taks'; did you mean 'tasks'? The commands are run, tasks "
        "(see hearth --help)");
  CHECK(Say({"tasks", "lsit"}) ==
        "there is no command 'hearth tasks lsit'; did you mean 'list'? The commands are list, add, "
        "done (see hearth tasks --help)");
  CHECK(Say({"tasks", "--json", "--db", "list", "dne"}).find("did you mean 'done'") !=
        std::string::npos);
  CHECK(Say({"tasks", "--db=x", "ad"}).find("did you mean 'add'") != std::string::npos);
  CHECK(Say({"frobnicate"}) ==
        "there is no command 'hearth frobnicate'; the commands are run, tasks (see hearth --help)");
  CHECK(Say({"x\ny"}).find('\n') == std::string::npos);
  CHECK(Say({std::string(1 << 20, 'x')}).size() < 300);
}

TEST_CASE_METHOD(Fixture, "arguments that are no commands are left alone") {
  CHECK(Say({}).empty());
  CHECK(Say({"--version"}).empty());
  CHECK(Say({"run", "tasks", "lsit"}).empty());
  CHECK(Say({"tasks", "list", "lsit"}).empty());
  CHECK(Say({"tasks", "--db", "lsit"}).empty());
}

}  // namespace
}  // namespace hearth::main
