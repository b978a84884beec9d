#include "runtime/net/redirect_listener.h"

#include <catch2/catch.hpp>
#include <future>

#include "runtime/net/http_client.h"

namespace hearth::net {
namespace {

int StatusOf(uint16_t port, const char* target) {
  HttpClient client;
  const auto url = Url::Parse(Concat("http://127.0.0.1:", port, target));
  const auto response = client.Fetch({.url = *url});
  return response.ok() ? response->head.status : 0;
}

}  // namespace

TEST_CASE("the browser that comes back is heard, others are sent away") {
  auto listener = RedirectListener::Open();
  REQUIRE(listener.ok());
  auto query = std::async(std::launch::async, [&] {
    return (*listener)->Wait("/callback", std::chrono::seconds(20), {});
  });
  CHECK(StatusOf((*listener)->port(), "/favicon.ico") == 404);
  CHECK(StatusOf((*listener)->port(), "/callbackx?code=2") == 404);
  CHECK(StatusOf((*listener)->port(), "/callback?code=1&state=2") == 200);
  const auto got = query.get();
  REQUIRE(got.ok());
  CHECK(*got == "code=1&state=2");
}

TEST_CASE("waiting for a browser ends") {
  auto listener = RedirectListener::Open();
  REQUIRE(listener.ok());
  CHECK((*listener)->Wait("/callback", std::chrono::milliseconds(20), {}).error().code ==
        ErrorCode::kResourceExhausted);
  std::stop_source stop;
  stop.request_stop();
  CHECK((*listener)->Wait("/callback", std::chrono::seconds(20), stop.get_token()).error().code ==
        ErrorCode::kCancelled);
  CHECK_FALSE(RedirectListener::Open((*listener)->port()).ok());
}

}  // namespace hearth::net
