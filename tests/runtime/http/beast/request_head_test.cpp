#include "runtime/http/beast/request_head.h"

#include <boost/asio/buffer.hpp>
#include <catch2/catch.hpp>
#include <optional>

namespace hearth::http {
namespace {

std::optional<HttpRequest> Take(const std::string& text) {
  RequestParser parser;
  boost::system::error_code error;
  parser.eager(false);
  parser.put(boost::asio::buffer(text), error);
  if (error) return std::nullopt;
  HttpRequest request;
  if (!TakeHead(parser.get(), request)) return std::nullopt;
  return request;
}

TEST_CASE("a head becomes a plain value, its path decoded once") {
  const auto request = Take(
      "GET /v1/models/a%20b%2520c?x=%41 HTTP/1.1\r\nHost: localhost\r\nX-Two: a\r\nx-two: "
      "b\r\n\r\n");
  REQUIRE(request);
  CHECK(request->method == "GET");
  CHECK(request->path == "/v1/models/a b%20c");
  CHECK(request->query == "x=%41");
  CHECK(request->Header("host") == "localhost");
  CHECK(request->Header("x-two") == "a");
  CHECK(request->CountHeader("x-two") == 2);
  CHECK(request->Header("absent").empty());
}

TEST_CASE("targets that are no path are refused") {
  for (const char* target :
       {"*", "http://evil.example/", "host:80", "/%", "/%4", "/%zz", "/%00", "/a%0ab"}) {
    CAPTURE(target);
    CHECK_FALSE(Take(std::string("GET ") + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  }
}

}  // namespace
}  // namespace hearth::http
