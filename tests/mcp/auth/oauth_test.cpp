#include "mcp/oauth.h"

#include <catch2/catch.hpp>
#include <mutex>

#include "mcp/security/base64.h"
#include "mcp/security/sha256.h"
#include "runtime/base/json.h"
#include "tests/support/raw_server.h"

namespace hearth::mcp {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string Find(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

// An MCP server and its authorization server in one, as far as OAuth sees them.
struct Site {
  Site()
      : server([this](RawPeer& peer) {
          for (std::string text = peer.ReadRequest(); !text.empty(); text = peer.ReadRequest()) {
            Answer(peer, text);
          }
        }) {}

  void Answer(RawPeer& peer, const std::string& text) {
    const std::lock_guard lock(mutex);
    const std::string line = text.substr(0, text.find(" HTTP/"));
    const std::string body = text.substr(text.find("\r\n\r\n") + 4);
    lines.push_back(line);
    if (line == "GET /.well-known/oauth-protected-resource/mcp") {
      peer.WriteJson(DumpJson(resource));
    } else if (line == "GET /.well-known/oauth-authorization-server") {
      peer.WriteJson(DumpJson(metadata));
    } else if (line == "POST /register") {
      registration = *ParseJson(body);
      peer.WriteJson(R"({"client_id":"registered"})", "201 Created");
    } else if (line == "POST /token") {
      form = net::FormDecode(body);
      authorization = text.find("Authorization: Basic ") == std::string::npos
                          ? ""
                          : text.substr(text.find("Authorization: Basic ") + 21,
                                        text.find("\r\n", text.find("Authorization: Basic ")) -
                                            text.find("Authorization: Basic ") - 21);
      if (Find(form, "grant_type") == "refresh_token" && !takes_refresh) {
        peer.WriteJson(R"({"error":"invalid_grant"})", "400 Bad Request");
        return;
      }
      const std::string token = "token-" + std::to_string(++tokens);
      peer.WriteJson(R"({"token_type":"Bearer","refresh_token":"refresh","access_token":")" +
                     token + "\"}");
    } else {
      peer.WriteJson("{}", "404 Not Found");
    }
  }

  std::mutex mutex;
  std::vector<std::string> lines;
  Json resource;
  Json metadata;
  Json registration;
  Fields form;
  std::string authorization;
  bool takes_refresh = true;
  int tokens = 0;
  RawServer server;
};

// Grants what it is asked, unless told otherwise.
class FakeBrowser : public Browser {
 public:
  Result<std::unique_ptr<Visit>> Begin(uint16_t port) override {
    ports.push_back(port);
    return std::unique_ptr<Visit>(std::make_unique<FakeVisit>(*this));
  }
  std::string issuer;
  std::string answer;  // instead of the right one
  std::vector<uint16_t> ports;
  std::vector<Fields> pages;

 private:
  class FakeVisit : public Visit {
   public:
    explicit FakeVisit(FakeBrowser& owner) : owner_(owner) {}
    std::string redirect_uri() const override { return "http://127.0.0.1:4321/callback"; }
    Result<std::string> Go(const std::string& page, std::stop_token) override {
      owner_.pages.push_back(net::FormDecode(page.substr(page.find('?') + 1)));
      if (!owner_.answer.empty()) return owner_.answer;
      return net::FormEncode({{"code", "the code"},
                              {"state", Find(owner_.pages.back(), "state")},
                              {"iss", owner_.issuer}});
    }

   private:
    FakeBrowser& owner_;
  };
};

struct Setup {
  Setup() {
    issuer = Concat("http://127.0.0.1:", site.server.port());
    site.resource = {{"resource", issuer + "/mcp"},
                     {"authorization_servers", Json::array({issuer})}};
    site.metadata = {{"issuer", issuer},
                     {"authorization_endpoint", issuer + "/authorize"},
                     {"token_endpoint", issuer + "/token"},
                     {"registration_endpoint", issuer + "/register"},
                     {"token_endpoint_auth_methods_supported", Json::array({"none"})},
                     {"code_challenge_methods_supported", Json::array({"S256"})}};
    browser.issuer = issuer;
  }
  std::unique_ptr<Authorizer> Make(OAuthConfig config = {}, bool with_browser = true) {
    return MakeOAuth({http, store, with_browser ? &browser : nullptr, clock},
                     *net::Url::Parse(issuer + "/mcp"), std::move(config));
  }
  std::string Refusal(OAuthConfig config = {}) {
    const auto oauth = Make(std::move(config));
    const Status status = oauth->Challenge("", 401, "Bearer", {});
    REQUIRE_FALSE(status.ok());
    CHECK(oauth->Header().empty());
    CHECK(site.tokens == 0);
    return status.error().message;
  }

  net::HttpClient http;
  TokenStore store{""};
  FakeBrowser browser;
  SystemClock clock;
  Site site;
  std::string issuer;
};

}  // namespace

TEST_CASE("a login leads from the refusal to a token for this server") {
  Setup setup;
  const auto oauth = setup.Make();
  CHECK(oauth->Header().empty());
  REQUIRE(oauth->Challenge("", 401, R"(Bearer scope="read")", {}).ok());
  CHECK(oauth->Header() == "Bearer token-1");
  const Fields& page = setup.browser.pages.at(0);
  CHECK(Find(page, "client_id") == "registered");
  CHECK(Find(page, "scope") == "read");
  CHECK(Find(page, "resource") == setup.issuer + "/mcp");
  CHECK(Find(setup.site.form, "grant_type") == "authorization_code");
  CHECK(Find(setup.site.form, "code") == "the code");
  CHECK(Find(setup.site.form, "resource") == setup.issuer + "/mcp");
  CHECK(Base64Url(AsText(Sha256(Find(setup.site.form, "code_verifier")))) ==
        Find(page, "code_challenge"));
  CHECK(setup.site.registration["application_type"] == "native");
  CHECK(setup.site.registration["redirect_uris"][0] == "http://127.0.0.1:4321/callback");
  // Who asks with an older header is told to look again.
  CHECK(oauth->Challenge("", 401, "Bearer", {}).ok());
  CHECK(setup.site.tokens == 1);
  // And another program finds the token.
  CHECK(setup.Make()->Header() == "Bearer token-1");
}

TEST_CASE("a token that has run out is refreshed without a person") {
  Setup setup;
  const auto oauth = setup.Make();
  REQUIRE(oauth->Challenge("", 401, "Bearer", {}).ok());
  REQUIRE(oauth->Challenge("Bearer token-1", 401, "Bearer", {}).ok());
  CHECK(oauth->Header() == "Bearer token-2");
  CHECK(Find(setup.site.form, "grant_type") == "refresh_token");
  CHECK(setup.browser.pages.size() == 1);
  setup.site.takes_refresh = false;
  REQUIRE(oauth->Challenge("Bearer token-2", 401, "Bearer", {}).ok());
  CHECK(setup.browser.pages.size() == 2);
  // The client that was registered is used again, at its port.
  CHECK(setup.browser.ports == std::vector<uint16_t>{0, 4321});
  CHECK(std::count(setup.site.lines.begin(), setup.site.lines.end(), "POST /register") == 1);
}

TEST_CASE("more scope is asked for beside what was granted, and not twice") {
  Setup setup;
  const auto oauth = setup.Make();
  REQUIRE(oauth->Challenge("", 401, R"(Bearer scope="read")", {}).ok());
  const char* more = R"(Bearer error="insufficient_scope", scope="write")";
  REQUIRE(oauth->Challenge("Bearer token-1", 403, more, {}).ok());
  CHECK(Find(setup.browser.pages.at(1), "scope") == "read write");
  CHECK_FALSE(oauth->Challenge("Bearer token-2", 403, more, {}).ok());
  CHECK(setup.browser.pages.size() == 2);
}

TEST_CASE("another authorization server gets to see nothing of the first one's") {
  Setup setup;
  Site other;
  const auto oauth = setup.Make();
  REQUIRE(oauth->Challenge("", 401, "Bearer", {}).ok());
  const std::string issuer = Concat("http://127.0.0.1:", other.server.port());
  other.metadata = setup.site.metadata;
  other.metadata["issuer"] = issuer;
  other.metadata["token_endpoint"] = issuer + "/token";
  other.metadata["registration_endpoint"] = issuer + "/register";
  setup.site.resource["authorization_servers"] = Json::array({issuer});
  setup.browser.issuer = issuer;
  REQUIRE(oauth->Challenge("Bearer token-1", 401, "Bearer", {}).ok());
  CHECK(other.registration["client_name"] == "hearth");
  CHECK(Find(other.form, "grant_type") == "authorization_code");
}

TEST_CASE("a client that was registered beforehand shows its secret as the server takes it") {
  Setup setup;
  setup.site.metadata.erase("registration_endpoint");
  setup.site.metadata["token_endpoint_auth_methods_supported"] =
      Json::array({"client_secret_basic"});
  const OAuthConfig config{.client_id = "id", .client_secret = "s:ecret"};
  REQUIRE(setup.Make(config)->Challenge("", 401, "Bearer", {}).ok());
  CHECK(*DecodeBase64(setup.site.authorization) == "id:s%3Aecret");
  CHECK(Find(setup.site.form, "client_id").empty());
  Setup post;
  post.site.metadata["token_endpoint_auth_methods_supported"] = Json::array({"client_secret_post"});
  REQUIRE(post.Make(config)->Challenge("", 401, "Bearer", {}).ok());
  CHECK(post.site.authorization.empty());
  CHECK(Find(post.site.form, "client_secret") == "s:ecret");
}

TEST_CASE("an address of ours that describes us can be the client's id") {
  Setup setup;
  setup.site.metadata["client_id_metadata_document_supported"] = true;
  REQUIRE(setup.Make({.client_metadata_url = "https://us/client.json"})
              ->Challenge("", 401, "Bearer", {})
              .ok());
  CHECK(Find(setup.browser.pages.at(0), "client_id") == "https://us/client.json");
}

TEST_CASE("a program lets itself in where it may") {
  Setup setup;
  const auto oauth =
      setup.Make({.client_id = "id", .client_secret = "s", .client_credentials = true}, false);
  REQUIRE(oauth->Challenge("", 401, R"(Bearer scope="read")", {}).ok());
  CHECK(Find(setup.site.form, "grant_type") == "client_credentials");
  CHECK(Find(setup.site.form, "scope") == "read");
  CHECK(setup.browser.pages.empty());
}

TEST_CASE("logins that are not safe do not happen") {
  {
    Setup setup;
    setup.site.resource["resource"] = "https://evil.example.com/mcp";
    CHECK(setup.Refusal().find("speaks for 'https://evil.example.com/mcp'") != std::string::npos);
    CHECK(setup.browser.pages.empty());
  }
  {
    Setup setup;
    setup.site.metadata["issuer"] = setup.issuer + "/";
    CHECK(setup.Refusal().find("is the metadata of") != std::string::npos);
  }
  {
    Setup setup;
    setup.site.metadata.erase("code_challenge_methods_supported");
    CHECK(setup.Refusal().find("PKCE") != std::string::npos);
  }
  {
    Setup setup;
    setup.site.metadata["token_endpoint"] = "http://example.com/token";
    CHECK(setup.Refusal().find("only https is followed") != std::string::npos);
  }
  {
    Setup setup;
    setup.site.metadata.erase("registration_endpoint");
    CHECK(setup.Refusal().find("clientId") != std::string::npos);
  }
  {
    Setup setup;
    setup.browser.answer = "code=c&state=guessed";
    CHECK(setup.Refusal().find("does not belong to this login") != std::string::npos);
  }
  {
    Setup setup;
    setup.browser.issuer = "https://evil.example.com";
    CHECK(setup.Refusal().find("evil.example.com") != std::string::npos);
  }
  {
    Setup setup;
    const Status status = setup.Make({}, false)->Challenge("", 401, "Bearer", {});
    CHECK(status.error().message.find("hearth mcp login") != std::string::npos);
  }
}

TEST_CASE("a server elsewhere cannot send us to this machine") {
  Setup setup;
  const auto oauth = MakeOAuth({setup.http, setup.store, &setup.browser, setup.clock},
                               *net::Url::Parse("https://203.0.113.1/mcp"), {});
  const std::string challenge =
      "Bearer resource_metadata=\"" + setup.issuer + "/.well-known/oauth-protected-resource/mcp\"";
  const Status status = oauth->Challenge("", 401, challenge, {});
  REQUIRE_FALSE(status.ok());
  CHECK(setup.site.lines.empty());
}

}  // namespace hearth::mcp
