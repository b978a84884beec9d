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

TEST_CASE("a database is the one that was named, where its folder is there, or the usual one") {
  const auto usual = FindDatabase({}, Fake({{"HOME", "/home/ada"}}));
  REQUIRE(usual.ok());
  CHECK(*usual == "/home/ada/.local/share/hearth/hearth.db");
  CHECK(FindDatabase("here.db").ok());
  CHECK(FindDatabase(fs::temp_directory_path() / "x.db").ok());
  const auto slip = FindDatabase(fs::temp_directory_path() / "no such folder" / "x.db");
  REQUIRE_FALSE(slip.ok());
  CHECK(slip.error().code == ErrorCode::kNotFound);
  CHECK_THAT(slip.error().message, Catch::Contains("no such folder"));
}

TEST_CASE("a model is found by path, by name, or because it is the only one") {
  const fs::path models = fs::temp_directory_path() / ("hearth-paths-" + std::to_string(getpid()));
  fs::create_directories(models);
  const auto touch = [&](const char* name) { std::ofstream(models / name) << "x"; };
  const Environment none = Fake({});

  auto found = FindModel("", models, none);
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().message.find("put a .gguf file there") != std::string::npos);

  touch("small.gguf");
  touch("notes.txt");
  CHECK(*FindModel("", models, none) == models / "small.gguf");
  touch("large.gguf");
  found = FindModel("", models, none);
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().message.find("large, small") != std::string::npos);

  CHECK(*FindModel("small", models, none) == models / "small.gguf");
  CHECK(*FindModel("small.gguf", models, none) == models / "small.gguf");
  // As a server lists them: the lower-case stem.
  touch("Mixed.Case-Q4.GGUF.gguf");
  CHECK(*FindModel("mixed.case-q4.gguf", models, none) == models / "Mixed.Case-Q4.GGUF.gguf");
  CHECK(*FindModel("SMALL", models, none) == models / "small.gguf");
  CHECK(*FindModel((models / "large.gguf").string(), models, none) == models / "large.gguf");
  CHECK(*FindModel("", models, Fake({{"HEARTH_MODEL", "large"}})) == models / "large.gguf");
  CHECK(*FindModel("small", models, Fake({{"HEARTH_MODEL", "large"}})) == models / "small.gguf");
  found = FindModel("absent", models, none);
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().code == ErrorCode::kNotFound);
  CHECK(found.error().message.find("no model 'absent'") != std::string::npos);
  fs::remove_all(models);
}

}  // namespace
}  // namespace hearth
