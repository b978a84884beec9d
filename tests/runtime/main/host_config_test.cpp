#include "runtime/main/host_config.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/memory/temp_directory.h"

namespace hearth::main {
namespace {

std::string Slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Environment With(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

}  // namespace

TEST_CASE("hosts keep their settings where they keep them") {
  const auto at = [](Host host, const Environment& environment) {
    const auto path = HostConfigPath(host, environment);
    return path.ok() ? path->string() : "error: " + path.error().message;
  };
  const Environment plain = With({{"HOME", "/h"}});
  CHECK(at(Host::kClaude, plain) == "/h/.config/Claude/claude_desktop_config.json");
  CHECK(at(Host::kCursor, plain) == "/h/.cursor/mcp.json");
  CHECK(at(Host::kVsCode, plain) == "/h/.config/Code/User/mcp.json");
  CHECK(at(Host::kClaude, With({{"HOME", "/h"}, {"XDG_CONFIG_HOME", "/c"}})) ==
        "/c/Claude/claude_desktop_config.json");
  CHECK(at(Host::kClaude, With({{"HOME", "/h"}, {"XDG_CONFIG_HOME", "c"}})).starts_with("/h/"));
  CHECK(at(Host::kCursor, With({})).find("HOME is not set") != std::string::npos);
  CHECK(at(Host::kCursor, With({{"HOME", "relative"}})).starts_with("error"));
  CHECK(ParseHost("vscode").ok());
  CHECK(ParseHost("emacs").error().message.find("claude, cursor and vscode") != std::string::npos);
}

TEST_CASE("our entry is put in and nothing else is touched") {
  const Json entry = ServerEntry(Host::kClaude, "/bin/hearth", {"mcp"});
  const auto fresh = WithEntry(Host::kClaude, "", "hearth", entry);
  REQUIRE(fresh.ok());
  CHECK(*ParseJson(*fresh) ==
        *ParseJson(R"({"mcpServers":{"hearth":{"command":"/bin/hearth","args":["mcp"]}}})"));
  const auto merged = WithEntry(
      Host::kClaude,
      R"({"z":1,"mcpServers":{"b":{"command":"x"},"hearth":{"command":"old","env":{"A":"1"}}},"a":2})",
      "hearth", entry);
  REQUIRE(merged.ok());
  CHECK(DumpJson(*ParseJson(*merged)) ==
        R"({"z":1,"mcpServers":{"b":{"command":"x"},"hearth":{"command":"/bin/hearth",)"
        R"("env":{"A":"1"},"args":["mcp"]}},"a":2})");
  const auto code =
      WithEntry(Host::kVsCode, "{}", "h", ServerEntry(Host::kVsCode, "/bin/hearth", {}));
  CHECK(FindMember(*ParseJson(*code), "servers")->at("h").at("type") == "stdio");
}

TEST_CASE("settings that cannot be changed safely are left alone") {
  const Json entry = ServerEntry(Host::kVsCode, "/bin/hearth", {"mcp"});
  for (const char* text :
       {"// a comment\n{}", "{\"servers\": 1}", "[]", "{", "{\"servers\": []}"}) {
    CAPTURE(text);
    const auto changed = WithEntry(Host::kVsCode, text, "h", entry);
    REQUIRE_FALSE(changed.ok());
    CHECK(changed.error().message.find("nothing was changed") != std::string::npos);
  }
  CHECK(WithEntry(Host::kVsCode, "// x", "h", entry).error().message.find("/bin/hearth") !=
        std::string::npos);
}

TEST_CASE("a file is replaced as a whole, keeps its mode and leaves a copy") {
  TempDirectory temp;
  const auto path = temp / "deep" / "settings.json";
  REQUIRE(ReplaceFile(path, "one").ok());
  CHECK(Slurp(path) == "one");
  ::chmod(path.c_str(), 0640);
  REQUIRE(ReplaceFile(path, "two").ok());
  CHECK(Slurp(path) == "two");
  CHECK(Slurp(path.string() + ".hearth-backup") == "one");
  // Nothing changes: the backup stays the older one.
  REQUIRE(ReplaceFile(path, "two").ok());
  CHECK(Slurp(path.string() + ".hearth-backup") == "one");
  struct stat info = {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0640);
  CHECK_FALSE(std::filesystem::exists(path.string() + ".hearth-new"));
}

TEST_CASE("a link to settings stays a link") {
  TempDirectory temp;
  const auto real = temp / "real.json";
  const auto link = temp / "link.json";
  std::ofstream(real) << "one";
  std::filesystem::create_symlink(real, link);
  REQUIRE(ReplaceFile(link, "two").ok());
  CHECK(std::filesystem::is_symlink(link));
  CHECK(Slurp(real) == "two");
  std::filesystem::remove(real);
  CHECK_FALSE(ReplaceFile(link, "three").ok());
}

}  // namespace hearth::main
