#include "runtime/net/proxy.h"

#include <catch2/catch.hpp>
#include <map>

namespace hearth::net {
namespace {

// The proxy for an address, "" for none, "error" for one that cannot be used.
std::string For(const char* url, std::map<std::string, std::string> variables) {
  const auto proxy = ProxyFor(*Url::Parse(url), [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  if (!proxy.ok()) return "error";
  return *proxy ? (*proxy)->ToString() : "";
}

}  // namespace

TEST_CASE("the environment says which proxy is used") {
  CHECK(For("https://a.example/", {}).empty());
  CHECK(For("https://a.example/", {{"HTTPS_PROXY", "http://p:3128"}}) == "http://p:3128");
  CHECK(For("https://a.example/", {{"HTTPS_PROXY", "p:3128"}}) == "http://p:3128");
  CHECK(For("https://a.example/", {{"HTTPS_PROXY", "x:1"}, {"https_proxy", "y:2"}}) ==
        "http://y:2");
  CHECK(For("https://a.example/", {{"ALL_PROXY", "p:1"}}) == "http://p:1");
  CHECK(For("http://a.example/", {{"http_proxy", "p:1"}}) == "http://p:1");
  CHECK(For("http://a.example/", {{"HTTP_PROXY", "p:1"}}).empty());
  CHECK(For("https://a.example/", {{"https_proxy", ""}}).empty());
}

TEST_CASE("some hosts are reached directly") {
  const auto direct = [](const char* url, const char* list) {
    return For(url, {{"https_proxy", "p:1"}, {"no_proxy", list}}).empty();
  };
  CHECK(direct("https://127.0.0.1/", ""));
  CHECK(direct("https://localhost/", ""));
  CHECK(direct("https://a.example/", "x, a.example"));
  CHECK(direct("https://b.a.example/", ".a.example"));
  CHECK(direct("https://b.a.example/", "a.example"));
  CHECK(direct("https://a.example/", "*"));
  CHECK_FALSE(direct("https://ba.example/", "a.example"));
  CHECK_FALSE(direct("https://a.example/", "b.a.example,,"));
}

TEST_CASE("proxies that cannot be used are an error, not a detour") {
  CHECK(For("https://a.example/", {{"https_proxy", "socks5://p:1"}}) == "error");
  CHECK(For("https://a.example/", {{"https_proxy", "https://p:1"}}) == "error");
  CHECK(For("https://a.example/", {{"https_proxy", "http://user:word@p:1"}}) == "error");
}

}  // namespace hearth::net
