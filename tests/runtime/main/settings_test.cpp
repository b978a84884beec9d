#include "runtime/main/settings.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <map>

#include "tests/memory/temp_directory.h"

namespace hearth::main {
namespace {

namespace fs = std::filesystem;

struct Fixture {
  TempDirectory temp;
  std::map<std::string, std::string> variables = {{"HOME", temp.path().string()}};

  fs::path ConfigFolder() const { return temp / ".config/hearth"; }
  void Write(const std::string& text) const { WriteTo(ConfigFolder() / "hearth.toml", text); }
  static void WriteTo(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  Result<Settings> Load(const SettingFlags& flags = {}) const {
    return LoadSettings(flags, [this](const char* name) -> const char* {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
  }
  std::string Database(const SettingFlags& flags = {}) const {
    const auto settings = Load(flags);
    if (!settings.ok()) return "error: " + settings.error().message;
    const auto path = settings->Database();
    return path.ok() ? path->string() : "error: " + path.error().message;
  }
  std::string Model(const SettingFlags& flags = {}) const {
    const auto settings = Load(flags);
    if (!settings.ok()) return "error: " + settings.error().message;
    const auto path = settings->Model();
    return path.ok() ? path->filename().string() : "error: " + path.error().message;
  }
};

TEST_CASE_METHOD(Fixture, "flags go before the environment, that before the file") {
  const std::string folder = temp.path().string();
  CHECK(Database() == folder + "/.local/share/hearth/hearth.db");
  Write("[store]\ndatabase = '" + folder + "/file.db'\n");
  CHECK(Database() == folder + "/file.db");
  variables["HEARTH_DB"] = folder + "/environment.db";
  CHECK(Database() == folder + "/environment.db");
  CHECK(Database({.database = folder + "/flag.db"}) == folder + "/flag.db");
}

TEST_CASE_METHOD(Fixture, "models are found where the settings say, and the default is theirs") {
  for (const char* name : {"a.gguf", "b.gguf", "c.gguf", "d.gguf"}) WriteTo(temp / name, "x");
  Write("[models]\ndirectory = '" + temp.path().string() + "'\n");
  CHECK_THAT(Model(), Catch::Contains("no model was named") && Catch::Contains("a, b, c, d"));
  Write("[models]\ndirectory = '" + temp.path().string() + "'\ndefault = 'b'\ndraft = 'd'\n");
  CHECK(Model() == "b.gguf");
  CHECK(Load()->ModelOptions()->draft_path == (temp / "d.gguf").string());
  variables["HEARTH_MODEL"] = "c";
  CHECK(Model() == "c.gguf");
  CHECK(Model({.model = "A"}) == "a.gguf");
  fs::create_directories(temp / "other");
  variables["HEARTH_MODELS"] = (temp / "other").string();
  CHECK_THAT(Model(), Catch::Contains("no model 'c'"));
  CHECK_FALSE(Load()->ModelOptions().ok());  // the draft model is not there either
}

TEST_CASE_METHOD(Fixture, "the file's relative paths mean the same in every folder") {
  Write(
      "[store]\ndatabase = 'mine.db'\n[models]\ndirectory = '~/gguf'\n[server]\n"
      "token_file = '../token'\n");
  const auto settings = Load();
  REQUIRE(settings.ok());
  CHECK(*settings->Database() == ConfigFolder() / "mine.db");
  CHECK(settings->config.models_directory == (temp / "gguf").string());
  CHECK(settings->config.token_file == (temp / ".config/token").string());
}

TEST_CASE_METHOD(Fixture, "another file is named by a flag or by the environment") {
  Write("[store]\ndatabase = 'usual.db'\n");
  WriteTo(temp / "flag.toml", "[store]\ndatabase = 'flag.db'\n");
  WriteTo(temp / "variable.toml", "[store]\ndatabase = 'variable.db'\n");
  variables["HEARTH_CONFIG"] = (temp / "variable.toml").string();
  CHECK(Database() == (temp / "variable.db").string());
  CHECK(Database({.config = (temp / "flag.toml").string()}) == (temp / "flag.db").string());
  variables["HEARTH_CONFIG"] = (temp / "nowhere.toml").string();
  const auto missing = Load();
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::kNotFound);
}

TEST_CASE_METHOD(Fixture, "what is wrong is said") {
  CHECK_THAT(Database({.database = (temp / "slip/x.db").string()}),
             Catch::Contains("there is no folder") && Catch::Contains("slip"));
  CHECK(Database({.database = "here.db"}) == "here.db");
  Write("[store]\nfile = 'x'\n");
  CHECK_THAT(Database(), Catch::Contains("hearth.toml, line 2: there is no setting store.file"));
  Write("");
  variables["HEARTH_PORT"] = "x";
  CHECK_THAT(Database(), Catch::Contains("HEARTH_PORT"));
}

}  // namespace
}  // namespace hearth::main
