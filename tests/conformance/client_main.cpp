// mcp_conformance_client URL: our client as the official conformance suite drives it. The scenario
// is in MCP_CONFORMANCE_SCENARIO, what it gives us to use in MCP_CONFORMANCE_CONTEXT.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "mcp/client.h"
#include "mcp/oauth.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"

namespace hearth::mcp {
namespace {

constexpr const char* kClientMetadata = "https://conformance-test.local/client-metadata.json";

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string TextOf(const Json& object, const char* name) {
  const Json* value = FindMember(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

// A person who grants everything: asks for the page and takes where it leads.
class WillingBrowser : public Browser {
 public:
  explicit WillingBrowser(net::HttpClient& http) : http_(http) {}

  Result<std::unique_ptr<Visit>> Begin(uint16_t) override {
    return std::unique_ptr<Visit>(std::make_unique<WillingVisit>(http_));
  }

 private:
  class WillingVisit : public Visit {
   public:
    explicit WillingVisit(net::HttpClient& http) : http_(http) {}
    std::string redirect_uri() const override { return "http://127.0.0.1:33418/callback"; }
    Result<std::string> Go(const std::string& page, std::stop_token stop) override {
      HEARTH_TRY(const net::Url url, net::Url::Parse(page));
      HEARTH_TRY(const auto answer, http_.Fetch({.url = url, .follow = false}, {}, stop));
      HEARTH_TRY(const net::Url back, net::Url::Parse(answer.head.Find("location")));
      return back.target.substr(std::min(back.target.find('?') + 1, back.target.size()));
    }

   private:
    net::HttpClient& http_;
  };

  net::HttpClient& http_;
};

// Accepts every form; the client itself fills in the defaults.
class Accept : public ElicitationHandler {
 public:
  Json Elicit(const std::string&, const Json&) override {
    return {{"action", "accept"}, {"content", Json::object()}};
  }
};

// What the scenarios want called. Most are content with any tool.
Status Play(const std::string& scenario, const Json& context, Client& client) {
  std::vector<std::string> warnings;
  HEARTH_TRY(const auto tools, client.ListTools(warnings));
  for (const std::string& warning : warnings) std::fprintf(stderr, "%s\n", warning.c_str());
  const auto call = [&](const std::string& tool, const Json& arguments) -> Status {
    const auto result = client.CallTool(tool, arguments);
    return result.ok() ? Status() : Status(result.error());
  };
  if (scenario == "request-metadata" || scenario == "json-schema-ref-no-deref") return {};
  if (const Json* calls = FindMember(context, "toolCalls")) {
    for (const Json& one : *calls) HEARTH_CHECK_OK(call(TextOf(one, "name"), one.at("arguments")));
    return {};
  }
  if (scenario == "json-schema-2020-12-preservation") {
    for (const RemoteTool& tool : tools) {
      if (tool.name != "json_schema_2020_12_tool") continue;
      return call("json_schema_echo", {{"schema", tool.input}});
    }
    return MakeError(ErrorCode::kNotFound, "the tool with the schema is not there");
  }
  for (const RemoteTool& tool : tools) {
    Json arguments = Json::object();
    const Json* properties = FindMember(tool.input, "properties");
    if (properties != nullptr && properties->contains("a")) arguments = {{"a", 2}, {"b", 3}};
    HEARTH_CHECK_OK(call(tool.name, arguments));
  }
  const Json capabilities = client.capabilities();
  if (capabilities.contains("resources")) {
    HEARTH_TRY(const auto resources, client.List("resources/list", "resources"));
    for (const Json& resource : resources) {
      HEARTH_TRY(const Json read,
                 client.Request("resources/read", {{"uri", TextOf(resource, "uri")}}));
    }
  }
  if (capabilities.contains("prompts")) {
    HEARTH_TRY(const auto prompts, client.List("prompts/list", "prompts"));
    for (const Json& prompt : prompts) {
      HEARTH_TRY(const Json got, client.Request("prompts/get", {{"name", TextOf(prompt, "name")}}));
    }
  }
  return {};
}

Status Run(const std::string& address) {
  const std::string scenario = Variable("MCP_CONFORMANCE_SCENARIO");
  Json context = Json::object();
  if (const std::string text = Variable("MCP_CONFORMANCE_CONTEXT"); !text.empty()) {
    HEARTH_TRY(context, ParseJson(text));
  }
  const SystemClock clock;
  net::HttpClient http;
  TokenStore tokens("");
  WillingBrowser browser(http);
  Accept accept;
  HEARTH_TRY(const net::Url url, net::Url::Parse(address));
  OAuthConfig oauth{.client_id = TextOf(context, "client_id"),
                    .client_secret = TextOf(context, "client_secret"),
                    .client_metadata_url = kClientMetadata,
                    .private_key = TextOf(context, "private_key_pem")};
  oauth.client_credentials = scenario.starts_with("auth/client-credentials");
  const auto authorizer = MakeOAuth({http, tokens, &browser, clock}, url, oauth);
  HEARTH_TRY(const TransportFactory transports,
             HttpTransports(http, address, {}, authorizer.get()));
  McpServerConfig config;
  config.name = "suite";
  config.url = address;
  config.timeout = std::chrono::seconds(20);
  HEARTH_TRY(const auto client, Client::Connect(config, transports, {.elicitation = &accept}));
  return Play(scenario, context, *client);
}

}  // namespace
}  // namespace hearth::mcp

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: mcp_conformance_client URL\n");
    return 2;
  }
  const hearth::Status status = hearth::mcp::Run(argv[1]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "mcp_conformance_client: %s\n", status.error().message.c_str());
  return 1;
}
