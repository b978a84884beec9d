#include "mcp/client/tool_names.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

namespace hearth::mcp {

TEST_CASE("tools are named by server and tool, as model APIs take names") {
  CHECK(NameTools("files", {"read_file", "list"}) ==
        std::vector<std::string>{"files__read_file", "files__list"});
  CHECK(NameTools("my server", {"a.b/c"}) == std::vector<std::string>{"my_server__a_b_c"});
}

TEST_CASE("names that clash or are too long get a hash, the same at every start") {
  const std::vector<std::string> tools = {"a.b", "a/b", std::string(100, 'x'),
                                          std::string(99, 'x') + "y", "plain"};
  const auto names = NameTools("s", tools);
  CHECK(names == NameTools("s", tools));
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  for (const std::string& name : names) {
    CHECK(name.size() <= 64);
    CHECK(
        std::ranges::all_of(name, [](char c) { return std::isalnum(c) || c == '_' || c == '-'; }));
  }
  CHECK(names[4] == "s__plain");
  CHECK(names[0].starts_with("s__a_b_"));
  // Another tool that comes or goes leaves the others' names alone.
  CHECK(NameTools("s", {tools[2]})[0] == names[2]);
}

}  // namespace hearth::mcp
