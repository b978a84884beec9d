// The client over HTTP: against our own endpoint's rules as the conformance suites check them, and
// here against servers that do not keep to them.
#include <catch2/catch.hpp>
#include <future>
#include <mutex>
#include <thread>

#include "mcp/client.h"
#include "runtime/net/http_client.h"
#include "tests/support/raw_server.h"

namespace hearth::mcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string BodyOf(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}

bool Has(const std::string& request, const std::string& header) {
  return request.find("\r\n" + header + "\r\n") != std::string::npos;
}

// What a server's thread found wrong, said by the test's: Catch checks on one thread alone.
class Expectations {
 public:
  ~Expectations() {
    for (const std::string& what : broken_) FAIL_CHECK(what);
  }
  void Expect(bool holds, const std::string& what) {
    if (holds) return;
    const std::lock_guard lock(mutex_);
    broken_.push_back(what);
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> broken_;
};

// A request, read.
struct Asked {
  Asked(std::string request, Expectations& e) : expectations(e), text(std::move(request)) {
    const auto body = ParseJson(BodyOf(text));
    if (!body.ok()) return;
    if (const Json* value = FindMember(*body, "method")) method = value->get<std::string>();
    if (const Json* value = FindMember(*body, "id")) id = DumpJson(*value);
    if (const Json* value = FindMember(*body, "params")) params = *value;
  }
  std::string Result(const std::string& result) const {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}";
  }
  void ExpectBeginning(const std::string& line) const {
    expectations.Expect(text.starts_with(line), "not " + line + "but\n" + text);
  }
  void ExpectHeader(const std::string& header) const {
    expectations.Expect(Has(text, header), "no " + header + " in\n" + text);
  }
  void ExpectWithout(const std::string& part) const {
    expectations.Expect(text.find(part) == std::string::npos, part + " in\n" + text);
  }

  Expectations& expectations;
  std::string text;
  std::string method;
  std::string id;
  Json params = Json::object();
};

constexpr const char* kInitialized =
    R"({"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s"}})";
constexpr const char* kDiscovered =
    R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}})";
constexpr const char* kDone = R"({"content":[{"type":"text","text":"done"}]})";

// A server whose handler answers one request after the other; what it has seen is kept.
struct Web {
  using Handler = std::function<void(RawPeer&, const Asked&)>;
  explicit Web(Handler handler)
      : server([this, handler = std::move(handler)](RawPeer& peer) {
          for (std::string text = peer.ReadRequest(); !text.empty(); text = peer.ReadRequest()) {
            const Asked asked(text, expectations);
            {
              const std::lock_guard lock(mutex);
              seen.push_back(text);
            }
            handler(peer, asked);
          }
        }) {}

  Result<std::unique_ptr<Client>> Connect(ClientOptions options = {}) {
    config.name = "web";
    config.url = server.url("/mcp");
    HEARTH_TRY(const auto transports, HttpTransports(http, config.url, {{"X-Key", "k"}}, nullptr));
    return Client::Connect(config, transports, options);
  }
  int Count(const std::string& what) {
    const std::lock_guard lock(mutex);
    int count = 0;
    for (const std::string& text : seen) count += text.find(what) != std::string::npos ? 1 : 0;
    return count;
  }

  Expectations expectations;  // outlives the server's threads
  net::HttpClient http;
  McpServerConfig config;
  std::mutex mutex;
  std::vector<std::string> seen;
  RawServer server;
};

void Event(RawPeer& peer, const std::string& data, const std::string& fields = "") {
  peer.Write(fields + "data: " + data + "\n\n");
}

void BeginEvents(RawPeer& peer, const std::string& headers = "") {
  peer.Write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n" +
             headers + "\r\n");
}

// What every legacy server says before the test's own part. False where it said nothing.
bool SayLegacy(RawPeer& peer, const Asked& asked) {
  if (asked.method == "server/discover") {
    peer.WriteJson(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session"}})",
                   "400 Bad Request");
  } else if (asked.method == "initialize") {
    peer.WriteJson(asked.Result(kInitialized), "200 OK", "Mcp-Session-Id: session-1\r\n");
  } else if (asked.method == "notifications/initialized") {
    peer.WriteJson("", "202 Accepted");
  } else if (asked.text.starts_with("GET ") &&
             asked.text.find("Last-Event-ID") == std::string::npos) {
    peer.WriteJson("", "405 Method Not Allowed");
  } else if (asked.text.starts_with("DELETE ")) {
    peer.WriteJson("", "200 OK");
  } else {
    return false;
  }
  return true;
}

bool SayModern(RawPeer& peer, const Asked& asked) {
  if (asked.method != "server/discover") return false;
  peer.WriteJson(asked.Result(kDiscovered));
  return true;
}

std::string Why(const Result<Json>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error().message;
}

}  // namespace

TEST_CASE("a legacy session is opened, carried and ended") {
  Web web([](RawPeer& peer, const Asked& asked) {
    if (SayLegacy(peer, asked)) return;
    asked.ExpectHeader("Mcp-Session-Id: session-1");
    asked.ExpectHeader("MCP-Protocol-Version: 2025-06-18");
    asked.ExpectHeader("X-Key: k");
    asked.ExpectWithout("Mcp-Method");
    peer.WriteJson(asked.Result(kDone));
  });
  {
    auto client = web.Connect();
    REQUIRE(client.ok());
    CHECK((*client)->era() == Era::kLegacy);
    CHECK((*client)->CallTool("t", Json::object()).ok());
  }
  CHECK(web.Count("DELETE /mcp") == 1);
}

TEST_CASE("a modern request repeats itself in its headers") {
  Web web([](RawPeer& peer, const Asked& asked) {
    asked.ExpectHeader("MCP-Protocol-Version: 2026-07-28");
    asked.ExpectHeader("Mcp-Method: " + asked.method);
    if (SayModern(peer, asked)) return;
    if (asked.method == "tools/list") {
      peer.WriteJson(asked.Result(
          R"({"tools":[{"name":"n","inputSchema":{"type":"object","properties":{
             "a":{"type":"string","x-mcp-header":"A"}}}},
             {"name":"bad","inputSchema":{"type":"object","properties":{
             "a":{"type":"number","x-mcp-header":"A"}}}}]})"));
      return;
    }
    peer.WriteJson(asked.Result(kDone));
  });
  auto client = web.Connect();
  REQUIRE(client.ok());
  CHECK((*client)->era() == Era::kModern);
  std::vector<std::string> warnings;
  const auto tools = (*client)->ListTools(warnings);
  REQUIRE(tools.ok());
  CHECK(tools->size() == 1);
  CHECK((*client)->Request("resources/read", {{"uri", "x:\xC3\xA4"}}).ok());
  CHECK(web.Count("Mcp-Name: =?base64?eDrDpA==?=") == 1);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("x-mcp-header") != std::string::npos);
}

TEST_CASE("arguments are told in headers as their schema marks them") {
  Web web([](RawPeer& peer, const Asked& asked) {
    if (SayModern(peer, asked)) return;
    if (asked.method == "tools/list") {
      peer.WriteJson(asked.Result(
          R"({"tools":[{"name":"n","inputSchema":{"type":"object","properties":{
             "a":{"type":"string","x-mcp-header":"A"},"b":{"type":"integer","x-mcp-header":"B"},
             "c":{"type":"string"}}}}]})"));
      return;
    }
    asked.ExpectHeader("Mcp-Name: n");
    asked.ExpectHeader("Mcp-Param-A: =?base64?w6Q=?=");
    asked.ExpectWithout("Mcp-Param-B");
    asked.ExpectWithout("Mcp-Param-C");
    peer.WriteJson(asked.Result(kDone));
  });
  auto client = web.Connect();
  REQUIRE(client.ok());
  std::vector<std::string> warnings;
  REQUIRE((*client)->ListTools(warnings).ok());
  CHECK((*client)->CallTool("n", {{"a", "\xC3\xA4"}, {"b", nullptr}, {"c", "x"}}).ok());
}

TEST_CASE("an answer may come in an event stream, after progress and questions") {
  Web web([](RawPeer& peer, const Asked& asked) {
    if (SayLegacy(peer, asked)) return;
    if (asked.method == "tools/call") {
      BeginEvents(peer);
      Event(peer,
            R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" +
                asked.id + R"(,"progress":1,"total":2}})");
      Event(peer, R"({"jsonrpc":"2.0","id":"q","method":"ping"})");
      Event(peer, "this is no message");
      Event(peer, asked.Result(kDone));
      peer.WaitForEnd();  // the client goes once it has its answer
      return;
    }
    peer.WriteJson("", "202 Accepted");  // the answer to ping
  });
  auto client = web.Connect();
  REQUIRE(client.ok());
  int signs = 0;
  const auto result = (*client)->CallTool(
      "t", Json::object(), {}, [&](double, std::optional<double>, const std::string&) { ++signs; });
  REQUIRE(result.ok());
  CHECK(signs == 1);
  for (int i = 0; i < 100 && web.Count(R"("id":"q","result")") == 0; ++i) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  CHECK(web.Count(R"("id":"q","result")") == 1);
}

TEST_CASE("a stream that breaks is taken up behind its last event") {
  std::string id;
  Web web([&](RawPeer& peer, const Asked& asked) {
    if (SayLegacy(peer, asked)) return;
    BeginEvents(peer);
    if (asked.method == "tools/call") {
      id = asked.id;
      Event(peer, "", "id: e1\nretry: 10\n");
      ::shutdown(peer.fd(), SHUT_RDWR);
      return;
    }
    asked.ExpectHeader("Last-Event-ID: e1");
    Event(peer, R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[]}})");
    ::shutdown(peer.fd(), SHUT_RDWR);
  });
  auto client = web.Connect();
  REQUIRE(client.ok());
  CHECK((*client)->CallTool("t", Json::object()).ok());
  CHECK(web.Count("tools/call") == 1);
}

TEST_CASE("a stream that breaks again and again is given up") {
  Web web([&](RawPeer& peer, const Asked& asked) {
    if (SayLegacy(peer, asked)) return;
    BeginEvents(peer);
    Event(peer, "", "id: e1\nretry: 1\n");
    ::shutdown(peer.fd(), SHUT_RDWR);
  });
  auto client = web.Connect();
  REQUIRE(client.ok());
  CHECK(Why((*client)->CallTool("t", Json::object())).find("again and again") != std::string::npos);
}

TEST_CASE("a forgotten session is opened anew, once") {
  std::atomic<int> sessions = 0;
  std::atomic<bool> remembers = true;
  Web web([&](RawPeer& peer, const Asked& asked) {
    if (asked.method == "initialize") {
      const std::string id = std::to_string(++sessions);
      peer.WriteJson(asked.Result(kInitialized), "200 OK", "Mcp-Session-Id: s" + id + "\r\n");
      return;
    }
    if (SayLegacy(peer, asked)) return;
    if (remembers && Has(asked.text, "Mcp-Session-Id: s2")) {
      peer.WriteJson(asked.Result(kDone));
    } else {
      peer.WriteJson(R"({"error":"no such session"})", "404 Not Found");
    }
  });
  auto client = web.Connect();
  REQUIRE(client.ok());
  CHECK((*client)->CallTool("t", Json::object()).ok());
  CHECK(sessions == 2);
  remembers = false;
  CHECK_FALSE((*client)->CallTool("t", Json::object()).ok());
  CHECK(sessions == 3);
}

TEST_CASE("a server of 2024-11-05 is spoken to over its event stream") {
  std::promise<RawPeer*> stream;
  auto opened = stream.get_future().share();
  Web web([&](RawPeer& peer, const Asked& asked) {
    if (asked.text.starts_with("GET /mcp ")) {
      BeginEvents(peer);
      Event(peer, "/messages?s=1", "event: endpoint\n");
      stream.set_value(&peer);
      peer.WaitForEnd();
      return;
    }
    if (asked.text.starts_with("POST /mcp ")) {
      peer.WriteJson("", "405 Method Not Allowed");
      return;
    }
    asked.ExpectBeginning("POST /messages?s=1 ");
    peer.WriteJson("", "202 Accepted");
    if (asked.method == "initialize") {
      Event(*opened.get(), asked.Result(R"({"protocolVersion":"2024-11-05","capabilities":{}})"));
    } else if (!asked.id.empty()) {
      Event(*opened.get(), asked.Result(kDone));
    }
  });
  auto client = web.Connect();
  REQUIRE(client.ok());
  CHECK((*client)->revision() == "2024-11-05");
  CHECK((*client)->CallTool("t", Json::object()).ok());
}

TEST_CASE("cancelling closes the stream in the modern era") {
  std::promise<void> gone;
  Web web([&](RawPeer& peer, const Asked& asked) {
    if (SayModern(peer, asked)) return;
    BeginEvents(peer);
    peer.WaitForEnd();
    gone.set_value();
  });
  auto client = web.Connect();
  REQUIRE(client.ok());
  std::stop_source stop;
  auto result = std::async(std::launch::async, [&] {
    return (*client)->CallTool("t", Json::object(), stop.get_token());
  });
  while (web.Count("tools/call") == 0) std::this_thread::sleep_for(milliseconds(5));
  stop.request_stop();
  CHECK(result.get().error().code == ErrorCode::kCancelled);
  CHECK(gone.get_future().wait_for(seconds(10)) == std::future_status::ready);
  CHECK(web.Count("notifications/cancelled") == 0);
}

TEST_CASE("what a modern server says of its tools is listened to") {
  std::atomic<int> listened = 0;  // to changes of tools
  Web web([&](RawPeer& peer, const Asked& asked) {
    if (asked.method == "server/discover") {
      peer.WriteJson(asked.Result(
          R"({"resultType":"complete","supportedVersions":["2026-07-28"],
              "capabilities":{"tools":{"listChanged":true}}})"));
    } else if (asked.method == "subscriptions/listen") {
      listened += asked.params["notifications"]["toolsListChanged"] == true;
      BeginEvents(peer);
      Event(peer, R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
      peer.WaitForEnd();
    } else {
      peer.WriteJson(asked.Result(kDone));
    }
  });
  auto client = web.Connect();
  REQUIRE(client.ok());
  bool changed = false;
  for (int i = 0; i < 200 && !changed; ++i) {
    changed = (*client)->TakeToolsChanged();
    std::this_thread::sleep_for(milliseconds(10));
  }
  CHECK(changed);
  CHECK((*client)->CallTool("t", Json::object()).ok());
  CHECK(listened == 1);
}

TEST_CASE("a server that refuses the revision but speaks it is asked again") {
  std::atomic<int> asked_for = 0;
  Web web([&](RawPeer& peer, const Asked& asked) {
    if (++asked_for == 1) {
      peer.WriteJson(
          R"({"jsonrpc":"2.0","id":)" + asked.id +
              R"(,"error":{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}})",
          "400 Bad Request");
      return;
    }
    SayModern(peer, asked);
  });
  auto client = web.Connect();
  REQUIRE(client.ok());
  CHECK((*client)->era() == Era::kModern);
}

TEST_CASE("hostile web servers get a clean error") {
  struct Case {
    const char* what;
    std::function<void(RawPeer&, const Asked&)> say;
    const char* says;
  };
  const Case cases[] = {
      {"a wrong content type",
       [](RawPeer& peer, const Asked&) {
         peer.Write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n<htm>");
       },
       "neither JSON nor an event stream but 'text/html'"},
      {"no body", [](RawPeer& peer, const Asked&) { peer.WriteJson(""); }, "before it was whole"},
      {"another's answer",
       [](RawPeer& peer, const Asked&) {
         peer.WriteJson(R"({"jsonrpc":"2.0","id":999,"result":{}})");
       },
       "before it was whole"},
      {"an error page",
       [](RawPeer& peer, const Asked&) { peer.WriteJson("{\"error\":\"tired\"}", "503 Busy"); },
       "HTTP 503: tired"},
      {"no JSON", [](RawPeer& peer, const Asked&) { peer.WriteJson("{{{"); },
       "before it was whole"},
      {"a stream that ends",
       [](RawPeer& peer, const Asked&) {
         BeginEvents(peer);
         ::shutdown(peer.fd(), SHUT_RDWR);
       },
       "before it was whole"},
      {"a huge event",
       [](RawPeer& peer, const Asked&) {
         BeginEvents(peer);
         peer.Write("data: ");
         const std::string piece(1 << 20, 'x');
         for (int i = 0; i < 70 && peer.Write(piece); ++i) {
         }
       },
       "an event is over"},
      {"no authorization",
       [](RawPeer& peer, const Asked&) {
         peer.WriteJson("{}", "401 Unauthorized", "WWW-Authenticate: Bearer\r\n");
       },
       "HTTP 401"},
      {"a redirect elsewhere",
       [](RawPeer& peer, const Asked&) {
         peer.WriteJson("", "307 Temporary Redirect", "Location: http://example.com/\r\n");
       },
       "sends us to http://example.com"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    Web web([&](RawPeer& peer, const Asked& asked) {
      if (!SayModern(peer, asked)) one.say(peer, asked);
    });
    auto client = web.Connect();
    REQUIRE(client.ok());
    const std::string why = Why((*client)->CallTool("t", Json::object()));
    CAPTURE(why);
    CHECK(why.find(one.says) != std::string::npos);
    CHECK(why.starts_with("MCP server 'web': "));
  }
}

TEST_CASE("a flood of events neither grows nor hangs") {
  Web web([](RawPeer& peer, const Asked& asked) {
    if (SayModern(peer, asked)) return;
    BeginEvents(peer);
    std::string events;
    for (int i = 0; i < 1000; ++i) {
      events += "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n: x\n\n";
    }
    while (peer.Write(events)) {
    }
  });
  web.config.timeout = milliseconds(300);
  auto client = web.Connect();
  REQUIRE(client.ok());
  const auto result = (*client)->CallTool("t", Json::object());
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == ErrorCode::kResourceExhausted);
}

TEST_CASE("addresses must be safe") {
  net::HttpClient http;
  CHECK(HttpTransports(http, "https://example.com/mcp", {}, nullptr).ok());
  CHECK(HttpTransports(http, "http://localhost:1/mcp", {}, nullptr).ok());
  CHECK_FALSE(HttpTransports(http, "http://example.com/mcp", {}, nullptr).ok());
  CHECK_FALSE(HttpTransports(http, "example.com", {}, nullptr).ok());
}

}  // namespace hearth::mcp
