#include "runtime/net/wire/response_reader.h"

#include <catch2/catch.hpp>

namespace hearth::net {

TEST_CASE("a response without a body may end in pieces") {
  const std::string bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    CAPTURE(piece);
    ResponseReader reader({});
    auto state = ResponseReader::State::kMore;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      const auto taken =
          reader.Take(std::string_view(bytes).substr(at, piece),
                      [](const HttpHead&, std::string_view part) { return part.empty(); });
      REQUIRE(taken.ok());
      state = *taken;
    }
    CHECK(state == ResponseReader::State::kDone);
    CHECK(reader.keep_alive());
  }
}

TEST_CASE("a response is the same whatever pieces it comes in") {
  const std::string bytes =
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n"
      "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n10;ext\r\n0123456789abcdef\r\n0\r\nT: "
      "t\r\n\r\n";
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    CAPTURE(piece);
    ResponseReader reader({});
    std::string body;
    auto state = ResponseReader::State::kMore;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      const auto taken = reader.Take(std::string_view(bytes).substr(at, piece),
                                     [&](const HttpHead& head, std::string_view part) {
                                       CHECK(head.status == 200);
                                       body += part;
                                       return true;
                                     });
      REQUIRE(taken.ok());
      state = *taken;
    }
    CHECK(state == ResponseReader::State::kDone);
    CHECK(body == "abcd0123456789abcdef");
    CHECK(reader.head().content_type() == "text/event-stream");
    CHECK(reader.keep_alive());
  }
}

TEST_CASE("a connection is kept only where the next response would begin cleanly") {
  const auto keeps = [](std::string_view bytes) {
    ResponseReader reader({});
    const auto state = reader.Take(bytes, [](const HttpHead&, std::string_view) { return true; });
    return state.ok() && *state == ResponseReader::State::kDone && reader.keep_alive();
  };
  CHECK(keeps("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"));
  CHECK_FALSE(keeps("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy"));
  CHECK_FALSE(keeps("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"));
  CHECK_FALSE(keeps("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"));
}

}  // namespace hearth::net
