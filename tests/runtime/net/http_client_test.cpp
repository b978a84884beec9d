#include "runtime/net/http_client.h"

#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "tests/support/raw_server.h"

namespace hearth::net {
namespace {

using std::chrono::milliseconds;

HttpRequest Get(const std::string& url) { return {.url = *Url::Parse(url)}; }

// A server that says one thing to every connection and then closes it.
struct Saying {
  explicit Saying(std::string bytes)
      : server([bytes = std::move(bytes)](RawPeer& peer) {
          peer.ReadRequest();
          peer.Write(bytes);
        }) {}
  RawServer server;
};

}  // namespace

TEST_CASE("responses of every framing are read") {
  for (const char* bytes :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nX: y\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}) {
    CAPTURE(bytes);
    Saying saying(bytes);
    HttpClient client;
    const auto response = client.Fetch(Get(saying.server.url()));
    REQUIRE(response.ok());
    CHECK(response->head.status == 200);
    CHECK(response->body == "hello");
  }
}

TEST_CASE("the request says what was asked") {
  std::string seen;
  RawServer server([&](RawPeer& peer) {
    seen = peer.ReadRequest();
    peer.WriteJson("{}", "201 Created", "X-Twice: a\r\nx-twice: b\r\n");
  });
  HttpClient client;
  auto request = Get(server.url("/a?b"));
  request.method = "POST";
  request.headers = {{"X-One", "1"}};
  request.body = "body";
  const auto response = client.Fetch(request);
  REQUIRE(response.ok());
  CHECK(response->head.status == 201);
  CHECK(response->head.Find("x-twice") == "a");
  CHECK(response->head.content_type() == "application/json");
  CHECK(seen.starts_with("POST /a?b HTTP/1.1\r\nHost: 127.0.0.1:"));
  CHECK(seen.find("\r\nX-One: 1\r\n") != std::string::npos);
  CHECK(seen.ends_with("Content-Length: 4\r\n\r\nbody"));
}

TEST_CASE("a header cannot bring another one along") {
  HttpClient client;
  auto request = Get("http://127.0.0.1:1/");
  request.headers = {{"X", "a\r\nY: b"}};
  CHECK(client.Fetch(request).error().code == ErrorCode::kInvalidArgument);
  request.headers = {{"X Y", "a"}};
  CHECK(client.Fetch(request).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("connections are used again while they last, and no request is sent twice") {
  std::atomic<int> requests = 0;
  RawServer server([&](RawPeer& peer) {
    // Three requests to a connection, then it is closed without a word.
    for (int i = 0; i < 3; ++i) {
      if (peer.ReadRequest().empty()) return;
      ++requests;
      peer.WriteJson("{}");
    }
  });
  HttpClient client;
  for (int i = 0; i < 7; ++i) {
    CHECK(client.Fetch(Get(server.url())).ok());
    std::this_thread::sleep_for(milliseconds(20));  // so that a closed connection is seen as such
  }
  CHECK(requests == 7);
  CHECK(server.connections() == 3);
}

TEST_CASE("a connection that a sink has given up is not used again") {
  RawServer server([](RawPeer& peer) {
    peer.ReadRequest();
    peer.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.Write("1\r\nx\r\n")) std::this_thread::sleep_for(milliseconds(1));
  });
  HttpClient client;
  size_t got = 0;
  for (int i = 0; i < 2; ++i) {
    const auto head =
        client.Stream(Get(server.url()), {}, [&](const HttpHead&, std::string_view piece) {
          got += piece.size();
          return got < 10;
        });
    REQUIRE(head.ok());
    CHECK(head->status == 200);
  }
  CHECK(server.connections() == 2);
}

TEST_CASE("hostile servers get a clean error") {
  struct Case {
    const char* what;
    std::string bytes;
    ErrorCode code;
    const char* says;
  };
  const Case cases[] = {
      {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", ErrorCode::kIo, "no HTTP"},
      {"nothing", "", ErrorCode::kIo, "broke off"},
      {"half a head", "HTTP/1.1 200 OK\r\nX:", ErrorCode::kIo, "broke off"},
      {"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", ErrorCode::kIo,
       "broke off"},
      {"a wrong chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       ErrorCode::kIo, "no HTTP"},
      {"a chunk that wraps",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
       "fffffffffffffffff\r\nx",
       ErrorCode::kIo, "no HTTP"},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
       ErrorCode::kIo, "no HTTP"},
      {"a huge body announced", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx",
       ErrorCode::kResourceExhausted, "body is over"},
      {"a huge head", "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n",
       ErrorCode::kResourceExhausted, "headers are over"},
      {"a head of many lines",
       "HTTP/1.1 200 OK\r\n" +
           [] {
             std::string lines;
             for (int i = 0; i < 20'000; ++i) lines += "X: y\r\n";
             return lines;
           }() +
           "\r\n",
       ErrorCode::kResourceExhausted, "headers are over"},
      {"endless hints",
       [] {
         std::string hints;
         for (int i = 0; i < 1000; ++i) hints += "HTTP/1.1 103 Early Hints\r\n\r\n";
         return hints;
       }(),
       ErrorCode::kIo, "never comes"},
      {"another origin", "HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\n\r\n",
       ErrorCode::kUnsupported, "sends us to http://example.com"},
      {"no address", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n", ErrorCode::kIo,
       "sends us somewhere"},
      {"a circle",
       "HTTP/1.1 302 Found\r\nLocation: /\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
       ErrorCode::kIo, "circle"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    Saying saying(one.bytes);
    HttpClient client;
    const auto response = client.Fetch(Get(saying.server.url()), {.max_body = 1 << 20});
    REQUIRE_FALSE(response.ok());
    CHECK(response.error().code == one.code);
    CAPTURE(response.error().message);
    CHECK(response.error().message.find(one.says) != std::string::npos);
    CHECK(response.error().message.starts_with("127.0.0.1:"));
  }
}

TEST_CASE("an endless body ends at the limit") {
  RawServer server([](RawPeer& peer) {
    peer.ReadRequest();
    peer.Write("HTTP/1.1 200 OK\r\n\r\n");
    const std::string piece(64 << 10, 'x');
    while (peer.Write(piece)) {
    }
  });
  HttpClient client;
  const auto response = client.Fetch(Get(server.url()), {.max_body = 1 << 20});
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().code == ErrorCode::kResourceExhausted);
}

TEST_CASE("slow servers are given up") {
  RawServer silent([](RawPeer& peer) { peer.WaitForEnd(); });
  RawServer dripping([](RawPeer& peer) {
    peer.ReadRequest();
    peer.Write("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.Write("x")) std::this_thread::sleep_for(milliseconds(5));
  });
  HttpClient client;
  const HttpLimits limits = {.silence = milliseconds(100), .longest = milliseconds(300)};
  for (const RawServer* server : {&silent, &dripping}) {
    const auto response = client.Fetch(Get(server->url()), limits);
    REQUIRE_FALSE(response.ok());
    CHECK(response.error().code == ErrorCode::kResourceExhausted);
  }
}

TEST_CASE("a request can be stopped") {
  RawServer silent([](RawPeer& peer) { peer.WaitForEnd(); });
  HttpClient client;
  std::stop_source stop;
  auto response = std::async(std::launch::async,
                             [&] { return client.Fetch(Get(silent.url()), {}, stop.get_token()); });
  std::this_thread::sleep_for(milliseconds(30));
  stop.request_stop();
  CHECK(response.get().error().code == ErrorCode::kCancelled);
}

TEST_CASE("redirects are followed within an origin, and POST only where its method stays") {
  std::vector<std::string> lines;
  RawServer server([&](RawPeer& peer) {
    for (std::string request = peer.ReadRequest(); !request.empty(); request = peer.ReadRequest()) {
      lines.push_back(request.substr(0, request.find("\r\n")));
      const bool first = request.find(" /first ") != std::string::npos;
      const bool keep = request.find(" /keep ") != std::string::npos;
      if (first) peer.WriteJson("", "302 Found", "Location: /second\r\n");
      if (keep) peer.WriteJson("", "307 Temporary Redirect", "Location: /second\r\n");
      if (!first && !keep) peer.WriteJson("\"there\"");
    }
  });
  HttpClient client;
  CHECK(client.Fetch(Get(server.url("/first")))->body == "\"there\"");
  auto post = Get(server.url("/keep"));
  post.method = "POST";
  CHECK(client.Fetch(post)->body == "\"there\"");
  CHECK(lines.back() == "POST /second HTTP/1.1");
  post.url = *Url::Parse(server.url("/first"));
  CHECK(client.Fetch(post).error().code == ErrorCode::kUnsupported);
  auto still = Get(server.url("/first"));
  still.follow = false;
  CHECK(client.Fetch(still)->head.Find("location") == "/second");
}

TEST_CASE("what cannot be reached is named") {
  HttpClient client;
  std::string url;
  {
    RawServer gone([](RawPeer&) {});
    url = gone.url();
  }
  const auto refused = client.Fetch(Get(url));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kIo);
  const auto unknown = client.Fetch(Get("http://no-such-name.invalid/"));
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().message.find("no-such-name.invalid") != std::string::npos);
}

TEST_CASE("a proxy is asked where the environment names one") {
  std::vector<std::string> seen;
  RawServer proxy([&](RawPeer& peer) {
    const std::string request = peer.ReadRequest();
    seen.push_back(request.substr(0, request.find("\r\n")));
    if (request.starts_with("CONNECT ")) {
      peer.Write("HTTP/1.1 403 Forbidden\r\n\r\n");
    } else {
      peer.WriteJson("\"by proxy\"");
    }
  });
  const std::string address = Concat("127.0.0.1:", proxy.port());
  HttpClient client({.environment = [&](const char* name) -> const char* {
    const std::string_view wanted(name);
    return wanted == "http_proxy" || wanted == "https_proxy" ? address.c_str() : nullptr;
  }});
  CHECK(client.Fetch(Get("http://a.invalid/x"))->body == "\"by proxy\"");
  const auto refused = client.Fetch(Get("https://a.invalid/x"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("the proxy refused: HTTP/1.1 403") != std::string::npos);
  CHECK(seen == std::vector<std::string>{"GET http://a.invalid/x HTTP/1.1",
                                         "CONNECT a.invalid:443 HTTP/1.1"});
}

TEST_CASE("private addresses are out of reach where that is wanted") {
  Saying saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  HttpClient client({.public_only = true});
  const auto response = client.Fetch(Get(saying.server.url()));
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().code == ErrorCode::kUnsupported);
  CHECK(saying.server.connections() == 0);
}

}  // namespace hearth::net
