#include "runtime/base/paths.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <string>

namespace hearth {
namespace {

namespace fs = std::filesystem;

Environment Fake(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

TEST_CASE("directories follow the XDG variables, then HOME") {
  const auto home = FindPaths(Fake({{"HOME", "/home/ada"}}));
  REQUIRE(home.ok());
  CHECK(home->Database() == "/home/ada/.local/share/hearth/hearth.db");
  CHECK(home->Models() == "/home/ada/.local/share/hearth/models");
  CHECK(home->config == "/home/ada/.config/hearth");
  CHECK(home->state == "/home/ada/.local/state/hearth");

  const auto xdg = FindPaths(Fake({{"HOME", "/home/ada"},
                                   {"XDG_DATA_HOME", "/data"},
                                   {"XDG_CONFIG_HOME", "relative"},
                                   {"XDG_STATE_HOME", ""}}));
  REQUIRE(xdg.ok());
  CHECK(xdg->data == "/data/hearth");
  CHECK(xdg->config == "/home/ada/.config/hearth");
  CHECK(xdg->state == "/home/ada/.local/state/hearth");

  const auto nothing = FindPaths(Fake({{"HOME", "not/absolute"}}));
  REQUIRE_FALSE(nothing.ok());
  CHECK(nothing.error().message.find("set HOME or XDG_DATA_HOME") != std::string::npos);
}

TEST_CASE("a model is found by path, by name, or because it is the only one") {
  const fs::path models = fs::temp_directory_path() / ("hearth-paths-" + std::to_string(getpid()));
  fs::create_directories(models);
  const auto touch = [&](const char* name) { std::ofstream(models / name) << "x"; };

  auto found = FindModel("", models);
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().message.find("put a .gguf file there") != std::string::npos);

  touch("small.gguf");
  touch("notes.txt");
  CHECK(*FindModel("", models) == models / "small.gguf");
  touch("large.gguf");
  found = FindModel("", models);
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().message.find("large, small") != std::string::npos);

  CHECK(*FindModel("small", models) == models / "small.gguf");
  CHECK(*FindModel("small.gguf", models) == models / "small.gguf");
  // As a server lists them: the lower-case stem.
  touch("Mixed.Case-Q4.GGUF.gguf");
  CHECK(*FindModel("mixed.case-q4.gguf", models) == models / "Mixed.Case-Q4.GGUF.gguf");
  CHECK(*FindModel("SMALL", models) == models / "small.gguf");
  CHECK(*FindModel((models / "large.gguf").string(), models) == models / "large.gguf");
  found = FindModel("absent", models);
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().code == ErrorCode::kNotFound);
  CHECK(found.error().message.find("no model 'absent'") != std::string::npos);
  fs::remove_all(models);
}

}  // namespace
}  // namespace hearth
