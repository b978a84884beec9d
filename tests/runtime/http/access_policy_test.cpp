#include "runtime/http/access_policy.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/memory/temp_directory.h"

namespace hearth::http {
namespace {

HttpRequest Head(const std::string& host, const std::string& origin = "",
                 const std::string& token = "") {
  HttpRequest request{.method = "GET", .path = "/v1/models"};
  request.headers.emplace_back("host", host);
  if (!origin.empty()) request.headers.emplace_back("origin", origin);
  if (!token.empty()) request.headers.emplace_back("authorization", token);
  return request;
}

int StatusOf(const AccessPolicy& policy, const HttpRequest& request) {
  const auto refusal = policy.Check(request);
  return refusal ? refusal->status : 200;
}

TEST_CASE("the Host header must name this machine") {
  const AccessPolicy local({.hosts = {"box.example"}});
  const AccessPolicy open({.on_network = true});
  struct Case {
    const char* host;
    int local, open;
  };
  const Case cases[] = {
      {"localhost", 200, 200},
      {"LocalHost:11434", 200, 200},
      {"localhost.", 200, 200},
      {"a.localhost:1", 200, 200},
      {"127.0.0.1", 200, 200},
      {"127.8.9.10:80", 200, 200},
      {"[::1]:80", 200, 200},
      {"box.example:99", 200, 403},
      {"192.168.1.5:80", 403, 200},
      {"[fe80::1]", 403, 200},
      {"evil.example", 403, 403},
      {"localhost.evil.example", 403, 403},
      {"127.0.0.1.evil.example", 403, 403},
      {"evil.example:127", 403, 403},
      {"localhost:80.evil.example", 403, 403},
      {"[::1", 403, 403},
      {"[::1]evil", 403, 403},
      {"", 403, 403},
      {"0x7f.1", 403, 403},
      {"localhost@evil.example", 403, 403},
  };
  for (const Case& c : cases) {
    INFO(c.host);
    CHECK(StatusOf(local, Head(c.host)) == c.local);
    CHECK(StatusOf(open, Head(c.host)) == c.open);
  }
  HttpRequest two = Head("localhost");
  two.headers.emplace_back("host", "localhost");
  CHECK(StatusOf(local, two) == 400);
  HttpRequest over_socket = Head("anything");
  over_socket.local_socket = true;
  CHECK(StatusOf(local, over_socket) == 200);
}

TEST_CASE("web pages of other origins get nothing unless they are listed") {
  const AccessPolicy policy({.origins = {"http://app.example:3000"}});
  CHECK(StatusOf(policy, Head("localhost:5", "http://localhost:5")) == 200);
  CHECK(StatusOf(policy, Head("localhost:5", "http://localhost:6")) == 403);
  CHECK(StatusOf(policy, Head("localhost:5", "https://localhost:5")) == 403);
  CHECK(StatusOf(policy, Head("localhost", "null")) == 403);
  CHECK(StatusOf(policy, Head("localhost", "http://app.example")) == 403);
  CHECK(StatusOf(policy, Head("localhost", "http://app.example:3000")) == 200);
  CHECK(policy.CorsHeaders(Head("localhost", "http://app.example")).empty());
  CHECK(policy.CorsHeaders(Head("localhost")).empty());
  CHECK(policy.CorsHeaders(Head("localhost", "http://app.example:3000"))[0].second ==
        "http://app.example:3000");
}

TEST_CASE("where tokens are set one must be borne") {
  const AccessPolicy policy({.tokens = {"the-first-token-of-all", "the-other-token-of-all"}});
  CHECK(StatusOf(policy, Head("localhost")) == 401);
  CHECK(StatusOf(policy, Head("localhost", "", "Bearer the-first-token-of-all")) == 200);
  CHECK(StatusOf(policy, Head("localhost", "", "bearer the-other-token-of-all")) == 200);
  for (const char* wrong :
       {"Bearer ", "Bearer the-first-token-of-al", "Bearer the-first-token-of-alll",
        "the-first-token-of-all", "Basic the-first-token-of-all", "Bearer"}) {
    INFO(wrong);
    CHECK(StatusOf(policy, Head("localhost", "", wrong)) == 401);
  }
  HttpRequest health = Head("localhost");
  health.path = "/healthz";
  CHECK(StatusOf(policy, health) == 200);
  HttpRequest key = Head("localhost");
  key.headers.emplace_back("x-api-key", "the-other-token-of-all");
  CHECK(StatusOf(policy, key) == 200);
}

TEST_CASE("token files are private and hold tokens") {
  const TempDirectory directory;
  const std::string path = (directory.path() / "deep" / "token").string();
  const auto made = MakeTokenFile(path);
  REQUIRE(made.ok());
  CHECK(made->size() == 64);
  struct stat info = {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(*ReadTokens(path) == std::vector<std::string>{*made});
  CHECK_FALSE(MakeTokenFile(path).ok());  // never replaced
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  CHECK(ReadTokens(path).error().message.find("chmod 600") != std::string::npos);

  const std::string other = (directory.path() / "tokens").string();
  const auto read = [&](const char* text) {
    std::ofstream(other) << text;
    REQUIRE(::chmod(other.c_str(), 0600) == 0);
    return ReadTokens(other);
  };
  CHECK(read("# one\n  first-token-of-two \r\n\nsecond-token-of-two")->size() == 2);
  CHECK_FALSE(read("# nothing\n").ok());
  CHECK_FALSE(read("short\n").ok());
  CHECK_FALSE(ReadTokens("/nonexistent/token").ok());
}

}  // namespace
}  // namespace hearth::http
