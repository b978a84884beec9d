#include "mcp/http_endpoint.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

#include "mcp/transport/http_rules.h"
#include "runtime/base/clock.h"
#include "tests/conformance/fixture.h"

namespace hearth::mcp {
namespace {

class FakeStream : public HttpStream {
 public:
  void Respond(int s, HttpFields h, std::string b) override {
    const std::lock_guard lock(mutex_);
    status = s;
    headers = std::move(h);
    body = std::move(b);
    ended = true;
    changed_.notify_all();
  }
  void Begin(HttpFields h) override {
    const std::lock_guard lock(mutex_);
    status = 200;
    headers = std::move(h);
    streaming = true;
    changed_.notify_all();
  }
  void Write(std::string piece) override {
    const std::lock_guard lock(mutex_);
    body += piece;
    changed_.notify_all();
  }
  void End() override {
    const std::lock_guard lock(mutex_);
    ended = true;
    changed_.notify_all();
  }
  // Waits until the answer is whole, or the text has come.
  void WaitFor(const std::string& text = "") {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(30), [&] {
      return ended || (!text.empty() && body.find(text) != std::string::npos);
    }));
  }
  std::string Header(const std::string& name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }

  int status = 0;
  HttpFields headers;
  std::string body;
  bool streaming = false;
  bool ended = false;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

using Fields = std::map<std::string, std::string>;

struct Client {
  SystemClock clock;
  fixture::FixtureResources resources;
  fixture::FixturePrompts prompts;
  Server server{fixture::Info(), clock};
  HttpEndpoint endpoint{server, clock, {.max_sessions = 3}};
  std::unique_ptr<HttpEndpoint::Exchange> exchange;  // of the last request

  Client() {
    server.SetResources(&resources);
    server.SetPrompts(&prompts);
    REQUIRE(fixture::AddTools(server).ok());
  }

  std::shared_ptr<FakeStream> Ask(const std::string& method, const Fields& fields,
                                  const std::string& body = "") {
    HttpInput input;
    input.method = method;
    input.body = body;
    input.header = [&](std::string_view name) -> std::string_view {
      const auto found = fields.find(std::string(name));
      return found == fields.end() ? std::string_view() : std::string_view(found->second);
    };
    auto stream = std::make_shared<FakeStream>();
    exchange = endpoint.Handle(input, stream);
    return stream;
  }
  std::shared_ptr<FakeStream> Post(const Fields& fields, const std::string& body) {
    auto stream = Ask("POST", fields, body);
    stream->WaitFor();
    return stream;
  }
  std::string Open() {
    const auto stream = Post({}, R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":)"
                                 R"({"protocolVersion":"2025-11-25","capabilities":{}}})");
    REQUIRE(stream->status == 200);
    return stream->Header("Mcp-Session-Id");
  }
};

std::string Modern(const std::string& method, const std::string& rest = "") {
  return R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":{)" + rest +
         R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
         R"("io.modelcontextprotocol/clientCapabilities":{}}}})";
}
Fields ModernFields(const std::string& method, const std::string& name = "") {
  Fields fields = {{"mcp-protocol-version", "2026-07-28"}, {"mcp-method", method}};
  if (!name.empty()) fields["mcp-name"] = name;
  return fields;
}

constexpr const char* kPing = R"({"jsonrpc":"2.0","id":5,"method":"ping"})";

}  // namespace

TEST_CASE("a legacy session begins, is used, and ends") {
  Client client;
  const std::string id = client.Open();
  CHECK(id.size() == 32);
  const Fields fields = {{"mcp-session-id", id}, {"mcp-protocol-version", "2025-11-25"}};
  CHECK(client.Post(fields, kPing)->body == R"({"jsonrpc":"2.0","id":5,"result":{}})");
  CHECK(client.Post(fields, R"({"jsonrpc":"2.0","method":"notifications/initialized"})")->status ==
        202);
  CHECK(client.Post({}, kPing)->status == 400);
  CHECK(client.Post({{"mcp-session-id", "nope"}}, kPing)->status == 404);
  CHECK(client.Post({{"mcp-session-id", id}, {"mcp-protocol-version", "1999-01-01"}}, kPing)
            ->status == 400);
  CHECK(client.Post(fields, "{")->status == 400);
  CHECK(client.Ask("DELETE", fields)->status == 204);
  CHECK(client.Post(fields, kPing)->status == 404);
  CHECK(client.Ask("PUT", fields)->status == 405);
}

TEST_CASE("there are only so many sessions") {
  Client client;
  for (int i = 0; i < 3; ++i) client.Open();
  const auto refused = client.Post({}, R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":)"
                                       R"({"protocolVersion":"2025-11-25","capabilities":{}}})");
  CHECK(refused->status == 503);
  CHECK(client.endpoint.sessions() == 3);
}

TEST_CASE("what is said before the answer makes it an event stream, which can be taken up again") {
  Client client;
  const std::string id = client.Open();
  const Fields fields = {{"mcp-session-id", id}};
  const auto stream = client.Post(
      fields,
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"test_tool_with_logging"}})");
  CHECK(stream->streaming);
  CHECK(
      stream->body.starts_with("id: 2-0\nretry: 500\ndata: \n\nid: 2-1\nevent: message\ndata: {"));
  CHECK(stream->body.find("id: 2-4\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,") !=
        std::string::npos);
  Fields again = fields;
  again["last-event-id"] = "2-3";
  const auto rest = client.Ask("GET", again);
  CHECK(rest->ended);
  CHECK(rest->body.find("id: 2-4\n") != std::string::npos);
  CHECK(rest->body.find("id: 2-1\n") == std::string::npos);
  again["last-event-id"] = "77-1";
  CHECK(client.Ask("GET", again)->status == 400);
}

TEST_CASE("a call that lets go of its connection answers on the next one") {
  Client client;
  const Fields fields = {{"mcp-session-id", client.Open()}};
  const auto first = client.Post(
      fields,
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"test_reconnection"}})");
  CHECK(first->body.find("result") == std::string::npos);
  Fields again = fields;
  again["last-event-id"] = "2-0";
  const auto second = client.Ask("GET", again);
  second->WaitFor();
  CHECK(second->body.find("\"id\":1,\"result\"") != std::string::npos);
}

TEST_CASE("a GET hears what belongs to no request") {
  Client client;
  const Fields fields = {{"mcp-session-id", client.Open()}};
  client.Post(fields, R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  const auto stream = client.Ask("GET", fields);
  const auto held = std::move(client.exchange);
  client.server.ToolsChanged();
  stream->WaitFor("notifications/tools/list_changed");
  CHECK_FALSE(stream->ended);
  held->KeepAlive();
  stream->WaitFor(": still here");
}

TEST_CASE("a modern request needs headers that say what its body says") {
  Client client;
  const auto status = [&](const Fields& fields, const std::string& body) {
    return client.Post(fields, body)->status;
  };
  CHECK(status(ModernFields("tools/list"), Modern("tools/list")) == 200);
  CHECK(status(ModernFields("prompts/list"), Modern("tools/list")) == 400);
  CHECK(status({{"mcp-protocol-version", "2026-07-28"}}, Modern("tools/list")) == 400);
  CHECK(status({{"mcp-method", "tools/list"}}, Modern("tools/list")) == 400);
  CHECK(status(ModernFields("no/such"), Modern("no/such")) == 404);
  CHECK(status(ModernFields("tools/list"), R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})") ==
        400);
  const std::string echo = R"("name":"echo","arguments":{"message":"hi"},)";
  CHECK(status(ModernFields("tools/call", "echo"), Modern("tools/call", echo)) == 200);
  CHECK(status(ModernFields("tools/call", "=?base64?ZWNobw==?="), Modern("tools/call", echo)) ==
        200);
  CHECK(status(ModernFields("tools/call", "other"), Modern("tools/call", echo)) == 400);
  CHECK(status(ModernFields("tools/call"), Modern("tools/call", echo)) == 400);
  const std::string region = R"("name":"test_x_mcp_header","arguments":{"region":"eu"},)";
  Fields fields = ModernFields("tools/call", "test_x_mcp_header");
  CHECK(status(fields, Modern("tools/call", region)) == 400);
  fields["mcp-param-region"] = "us";
  CHECK(status(fields, Modern("tools/call", region)) == 400);
  fields["mcp-param-region"] = "eu";
  CHECK(status(fields, Modern("tools/call", region)) == 200);
  CHECK(client.Ask("GET", ModernFields(""))->status == 405);
  CHECK(client.Ask("DELETE", ModernFields(""))->status == 405);
}

TEST_CASE("a modern client that goes away cancels its call") {
  Client client;
  const auto stream =
      client.Ask("POST", ModernFields("tools/call", "slow_compute"),
                 Modern("tools/call", R"("name":"slow_compute","arguments":{"seconds":60},)"));
  CHECK_FALSE(stream->ended);
  const auto start = std::chrono::steady_clock::now();
  client.exchange.reset();
  CHECK(client.server.Stop(std::chrono::seconds(10)));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("header values, there and back") {
  for (const char* text : {"plain", "", " framed", "\xC3\xA9", "=?base64?x", "a\nb"}) {
    INFO(text);
    CHECK(DecodeHeaderValue(EncodeHeaderValue(text)) == text);
  }
  CHECK(EncodeHeaderValue("plain") == "plain");
  CHECK_FALSE(DecodeHeaderValue("=?base64?SGVsbG8?=").has_value());
  CHECK_FALSE(DecodeHeaderValue("=?base64?SGVs!!!bG8=?=").has_value());
  CHECK(DecodeHeaderValue("=?base64?SGVsbG8=") == "=?base64?SGVsbG8=");
}

}  // namespace hearth::mcp
