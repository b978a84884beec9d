#include "runtime/net/url.h"

#include <catch2/catch.hpp>

namespace hearth::net {

TEST_CASE("addresses are read and written back") {
  struct Case {
    const char* text;
    const char* origin;
    const char* target;
    const char* whole;
  };
  const Case cases[] = {
      {"http://localhost:3001/mcp", "http://localhost:3001", "/mcp", "http://localhost:3001/mcp"},
      {"HTTPS://Example.COM", "https://example.com", "/", "https://example.com"},
      {"https://example.com:443/a?b=c#d", "https://example.com", "/a?b=c",
       "https://example.com/a?b=c"},
      {"https://example.com?q", "https://example.com", "/?q", "https://example.com/?q"},
      {"http://[::1]:80/x", "http://[::1]", "/x", "http://[::1]/x"},
      {"http://[2001:DB8::2]:81", "http://[2001:db8::2]:81", "/", "http://[2001:db8::2]:81"},
      {"http://h:8080/", "http://h:8080", "/", "http://h:8080"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    const auto url = Url::Parse(one.text);
    REQUIRE(url.ok());
    CHECK(url->origin() == one.origin);
    CHECK(url->target == one.target);
    CHECK(url->ToString() == one.whole);
  }
}

TEST_CASE("what is no address is refused") {
  for (const char* text : {"", "mcp", "ftp://x/", "http:/x", "http://", "http:///x", "http://:80/",
                           "http://a b/", "http://user:pass@host/", "http://host:0/",
                           "http://host:65536/", "http://host:x/", "http://[::1", "http://[::1]x/",
                           "javascript:alert(1)", "http://a/\r\nX: y", "http://h\xC3\xA4/"}) {
    CAPTURE(text);
    CHECK_FALSE(Url::Parse(text).ok());
  }
  CHECK_FALSE(Url::Parse("http://h/" + std::string(9000, 'a')).ok());
}

TEST_CASE("references are resolved against an address") {
  const auto base = Url::Parse("https://a.example:8443/x/y?z");
  REQUIRE(base.ok());
  CHECK(base->Resolve("/m?s=1")->ToString() == "https://a.example:8443/m?s=1");
  CHECK(base->Resolve("//b.example/m")->ToString() == "https://b.example/m");
  CHECK(base->Resolve("http://c.example")->origin() == "http://c.example");
  CHECK_FALSE(base->Resolve("m").ok());
}

TEST_CASE("only this machine is loopback") {
  for (const char* text : {"http://localhost/", "http://127.0.0.1/", "http://127.9.9.9:1/",
                           "http://[::1]/", "http://x.localhost/"}) {
    CHECK(Url::Parse(text)->loopback());
  }
  for (const char* text : {"http://127.0.0.1.example.com/", "http://localhost.example.com/",
                           "http://10.0.0.1/", "http://example.com/"}) {
    CHECK_FALSE(Url::Parse(text)->loopback());
  }
}

TEST_CASE("forms are written and read") {
  CHECK(FormEncode({{"a b", "c&d=e"}, {"x", "\xC3\xA4/~"}}) == "a%20b=c%26d%3De&x=%C3%A4%2F~");
  const auto fields = FormDecode("a%20b=c%26d&e+f=&g&%zz=%4&&=h");
  using Field = std::pair<std::string, std::string>;
  CHECK(fields ==
        std::vector<Field>{{"a b", "c&d"}, {"e f", ""}, {"g", ""}, {"%zz", "%4"}, {"", "h"}});
}

}  // namespace hearth::net
