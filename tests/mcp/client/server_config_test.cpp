#include "mcp/server_config.h"

#include <catch2/catch.hpp>
#include <string_view>

namespace hearth::mcp {
namespace {

const char* Lookup(const char* name) {
  return std::string_view(name) == "TOKEN" ? "s3cret" : nullptr;
}

}  // namespace

TEST_CASE("servers are read in the hosts' format") {
  std::vector<std::string> warnings;
  const auto servers = ReadMcpServers(R"({"mcpServers": {
      "a": {"command": "npx", "args": ["-y", "x"], "env": {"KEY": "x${TOKEN}y"}, "cwd": "/tmp"},
      "b": {"url": "https://example.com/mcp", "headers": {"A": "b"}, "disabled": true,
            "sampling": true, "trusted": true, "tools": ["t"], "allow": ["t"], "timeout": 1.5}}})",
                                      warnings, Lookup);
  REQUIRE(servers.ok());
  CHECK(warnings.empty());
  REQUIRE(servers->size() == 2);
  const McpServerConfig& a = (*servers)[0];
  CHECK(a.name == "a");
  CHECK(a.launch.arguments == std::vector<std::string>{"-y", "x"});
  CHECK(a.launch.environment[0].second == "xs3crety");
  CHECK(a.launch.directory == "/tmp");
  CHECK_FALSE(a.sampling);
  const McpServerConfig& b = (*servers)[1];
  CHECK(b.disabled);
  CHECK(b.sampling);
  CHECK(b.timeout == std::chrono::milliseconds(1500));
}

TEST_CASE("an entry that is wrong spoils no other") {
  std::vector<std::string> warnings;
  const auto servers = ReadMcpServers(R"({"mcpServers": {
      "good": {"command": "x"}, "neither": {}, "both": {"command": "x", "url": "y"},
      "types": {"command": "x", "args": "y"}, "unset": {"command": "x", "env": {"A": "${NOPE}"}},
      "": {"command": "x"}, "time": {"command": "x", "timeout": -1}, "list": []}})",
                                      warnings, Lookup);
  REQUIRE(servers.ok());
  CHECK(servers->size() == 1);
  CHECK(warnings.size() == 7);
  CHECK(warnings[3].find("NOPE is not set") != std::string::npos);
  CHECK_FALSE(ReadMcpServers("[]", warnings, Lookup).ok());
  CHECK_FALSE(ReadMcpServers("{", warnings, Lookup).ok());
}

}  // namespace hearth::mcp
