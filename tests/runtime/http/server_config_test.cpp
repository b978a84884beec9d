#include "runtime/http/server_config.h"

#include <catch2/catch.hpp>
#include <map>

namespace hearth::http {
namespace {

Environment Fake(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

TEST_CASE("the environment goes before the file") {
  ServerConfig config;
  REQUIRE(
      config
          .ReadToml("[server]\nport = 1234\nallowed_hosts = ['a', 'b']\n[models]\nmax_queue = 5\n"
                    "[api]\nreasoning_field = 'raw'\n",
                    "f")
          .ok());
  REQUIRE(config
              .ReadEnvironment(Fake({{"HEARTH_PORT", "99"},
                                     {"HEARTH_ALLOWED_ORIGINS", "http://a,http://b"},
                                     {"HEARTH_MAX_QUEUE", ""}}))
              .ok());
  CHECK(config.port == 99);
  CHECK(config.allowed_hosts == std::vector<std::string>{"a", "b"});
  CHECK(config.allowed_origins == std::vector<std::string>{"http://a", "http://b"});
  CHECK(config.max_queue == 5);
  CHECK(config.reasoning_field == "raw");
  CHECK(config.ToJson()["server"]["port"] == 99);
}

TEST_CASE("what is wrong is said with its place") {
  struct Case {
    const char* text;
    const char* word;
  };
  const Case cases[] = {
      {"[server]\n\nprot = 1", "f, line 3: there is no setting server.prot"},
      {"[sever]\nport = 1", "there is no setting sever.port"},
      {"port = 1", "must stand in a table"},
      {"[server]\nport = 'x'", "server.port must be an integer"},
      {"[server]\nport = 1.5", "server.port must be an integer"},
      {"[server]\nport = 65536", "not between 0 and 65535"},
      {"[server]\nhost = 1", "server.host must be a string"},
      {"[server]\nallowed_hosts = 'a'", "must be an array of strings"},
      {"[server]\nallowed_hosts = [1]", "must be an array of strings"},
      {"[api]\nreasoning_field = 'x'", "is none of reasoning_content, reasoning, raw"},
      {"[log]\nlevel = 'loud'", "is none of debug"},
      {"[server\nport = 1", "f, line 1"},
  };
  for (const Case& c : cases) {
    ServerConfig config;
    const Status status = config.ReadToml(c.text, "f");
    CAPTURE(c.text);
    REQUIRE_FALSE(status.ok());
    CHECK_THAT(status.error().message, Catch::Contains(c.word));
  }
  ServerConfig config;
  const Status status = config.ReadEnvironment(Fake({{"HEARTH_PORT", "many"}}));
  REQUIRE_FALSE(status.ok());
  CHECK_THAT(status.error().message,
             Catch::Contains("HEARTH_PORT: server.port: 'many' is no integer"));
}

TEST_CASE("a host is written in many ways") {
  struct Case {
    const char* host;
    const char* address;
    int port;
    const char* socket;
  };
  const Case cases[] = {
      {"127.0.0.1", "127.0.0.1", 11434, ""},
      {"localhost:80", "localhost", 80, ""},
      {":8080", "127.0.0.1", 8080, ""},
      {"http://box:81/", "box", 81, ""},
      {"[::1]:82", "::1", 82, ""},
      {"[::1]", "::1", 11434, ""},
      {"::1", "::1", 11434, ""},
      {"0.0.0.0:0", "0.0.0.0", 0, ""},
      {"unix:/run/hearth", "", 0, "/run/hearth"},
      {"unix:///run/hearth", "", 0, "/run/hearth"},
  };
  for (const Case& c : cases) {
    ServerConfig config;
    config.host = c.host;
    const auto endpoint = config.ToEndpoint();
    CAPTURE(c.host);
    REQUIRE(endpoint.ok());
    CHECK(endpoint->socket_path == c.socket);
    if (!endpoint->socket_path.empty()) continue;
    CHECK(endpoint->host == c.address);
    CHECK(endpoint->port == c.port);
  }
  for (const char* host : {"unix:", "localhost:port", "localhost:70000", "[::1", "[::1]x"}) {
    ServerConfig config;
    config.host = host;
    CAPTURE(host);
    CHECK_FALSE(config.ToEndpoint().ok());
  }
}

TEST_CASE("settings become the server's options") {
  ServerConfig config;
  config.head_seconds = 3;
  config.keep_alive_ms = 7;
  config.host = "box.example";
  config.max_connections = 9;
  const auto options = config.ToServerOptions();
  REQUIRE(options.ok());
  CHECK(options->limits.head_time == std::chrono::seconds(3));
  CHECK(options->limits.max_connections == 9);
  CHECK(options->generation.keep_alive == std::chrono::milliseconds(7));
  // The name that it is bound to is its own.
  CHECK(options->access.hosts == std::vector<std::string>{"box.example"});
}

}  // namespace
}  // namespace hearth::http
