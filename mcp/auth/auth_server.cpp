#include "mcp/auth/auth_server.h"

#include <algorithm>

#include "mcp/security/base64.h"
#include "runtime/base/json.h"
#include "runtime/base/text.h"
#include "runtime/net/private_address.h"

namespace hearth::mcp {
namespace {

using std::chrono::seconds;

constexpr net::HttpLimits kLimits = {.connect = seconds(10),
                                     .silence = seconds(20),
                                     .longest = seconds(60),
                                     .max_body = size_t{1} << 20};

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

bool Has(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

std::string TextOf(const Json& object, const char* name) {
  const Json* value = FindMember(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

// The reason that a refusal gives (RFC 6749, section 5.2).
std::string Reason(const net::HttpResponse& response) {
  const auto body = ParseJson(response.body, {.max_bytes = 64 << 10});
  const std::string status = "HTTP " + std::to_string(response.head.status);
  if (!body.ok()) return status;
  const std::string error = TextOf(*body, "error");
  const std::string more = TextOf(*body, "error_description");
  if (error.empty()) return status;
  return Clip(OneLine(more.empty() ? error : error + ", " + more), 300);
}

Error Fail(const std::string& what) { return {ErrorCode::kIo, what}; }

}  // namespace

std::string ChooseAuthMethod(const AuthServerMetadata& server, bool has_secret) {
  if (!has_secret) return "none";
  const auto& methods = server.token_auth_methods;
  if (methods.empty() || Has(methods, "client_secret_basic")) return "client_secret_basic";
  if (Has(methods, "client_secret_post")) return "client_secret_post";
  return Has(methods, "none") ? "none" : "client_secret_basic";
}

AuthServer::AuthServer(net::HttpClient& http, net::Url server)
    : server_(std::move(server)),
      is_private_(server_.loopback() || net::IsPrivateHost(server_.host)),
      public_only_(is_private_ ? nullptr
                               : std::make_unique<net::HttpClient>(
                                     net::HttpClientOptions{.public_only = true})),
      http_(is_private_ ? http : *public_only_) {}

Status AuthServer::Check(const std::string& address) const {
  const auto url = net::Url::Parse(address);
  if (!url.ok()) {
    return Fail(Concat("'", Clip(OneLine(address), 200), "': ", url.error().message));
  }
  if (url->secure() || (url->loopback() && server_.loopback())) return {};
  return Fail(address + ": only https is followed");
}

Result<std::string> AuthServer::Get(const std::string& address, std::stop_token stop) {
  HEARTH_CHECK_OK(Check(address));
  HEARTH_TRY(const net::Url url, net::Url::Parse(address));
  HEARTH_TRY(net::HttpResponse response,
             http_.Fetch({"GET", url, {{"Accept", "application/json"}}, ""}, kLimits, stop));
  if (response.head.status != 200) return std::string();
  return std::move(response.body);
}

Result<net::HttpResponse> AuthServer::Post(const std::string& address, std::string body,
                                           const char* type, net::HttpHeaders headers,
                                           std::stop_token stop) {
  HEARTH_CHECK_OK(Check(address));
  HEARTH_TRY(const net::Url url, net::Url::Parse(address));
  headers.emplace_back("Content-Type", type);
  headers.emplace_back("Accept", "application/json");
  return http_.Fetch({"POST", url, std::move(headers), std::move(body)}, kLimits, stop);
}

Result<Guard> AuthServer::Find(const Challenge& challenge, std::stop_token stop) {
  std::vector<std::string> addresses = ResourceMetadataAddresses(server_);
  if (const std::string named = challenge.Find("resource_metadata"); !named.empty()) {
    addresses = {named};
  }
  Guard guard;
  guard.resource = server_.ToString();
  std::string issuer = server_.origin();  // of servers that know no metadata of resources
  bool found = false;
  for (const std::string& address : addresses) {
    HEARTH_TRY(const std::string text, Get(address, stop));
    if (text.empty()) continue;
    const auto metadata = ReadResourceMetadata(text);
    if (!metadata.ok()) return Fail(address + ": " + metadata.error().message);
    if (!Covers(metadata->resource, server_)) {
      return Fail(Concat(address, ": speaks for '", Clip(OneLine(metadata->resource), 200),
                         "' and not for ", server_.ToString()));
    }
    if (metadata->authorization_servers.empty()) {
      return Fail(address + ": names no authorization server");
    }
    guard.resource = metadata->resource;
    guard.scopes = Join(metadata->scopes);
    issuer = metadata->authorization_servers[0];
    found = true;
    break;
  }
  HEARTH_TRY(guard.server, FindMetadata(issuer, !found, stop));
  return guard;
}

Result<AuthServerMetadata> AuthServer::FindMetadata(const std::string& issuer, bool has_default,
                                                    std::stop_token stop) {
  HEARTH_CHECK_OK(Check(issuer));
  HEARTH_TRY(const net::Url url, net::Url::Parse(issuer));
  for (const std::string& address : AuthServerMetadataAddresses(url)) {
    HEARTH_TRY(const std::string text, Get(address, stop));
    if (text.empty()) continue;
    auto metadata = ReadAuthServerMetadata(text);
    if (!metadata.ok()) return Fail(address + ": " + metadata.error().message);
    // An authorization server that speaks for another one could take over its logins.
    if (metadata->issuer != issuer) {
      return Fail(Concat(address, ": is the metadata of '", Clip(OneLine(metadata->issuer), 200),
                         "' and not of ", issuer));
    }
    return metadata;
  }
  if (!has_default) return Fail(issuer + ": has no metadata of an authorization server");
  // The addresses of 2025-03-26, for servers without any metadata.
  return AuthServerMetadata{.issuer = issuer,
                            .authorization_endpoint = issuer + "/authorize",
                            .token_endpoint = issuer + "/token",
                            .registration_endpoint = issuer + "/register",
                            .challenge_methods = {"S256"}};
}

Result<ClientRegistration> AuthServer::Register(const AuthServerMetadata& server,
                                                const std::string& redirect_uri,
                                                std::stop_token stop) {
  const bool may_be_public = Has(server.token_auth_methods, "none");
  const std::string method = may_be_public ? "none" : ChooseAuthMethod(server, true);
  const Json request = {{"client_name", "hearth"},
                        {"application_type", "native"},
                        {"redirect_uris", Json::array({redirect_uri})},
                        {"grant_types", Json::array({"authorization_code", "refresh_token"})},
                        {"response_types", Json::array({"code"})},
                        {"token_endpoint_auth_method", method}};
  HEARTH_TRY(const net::HttpResponse response,
             Post(server.registration_endpoint, DumpJson(request), "application/json", {}, stop));
  if (response.head.status < 200 || response.head.status >= 300) {
    return Fail(Concat(server.issuer, ": refused to register us: ", Reason(response)));
  }
  const auto body = ParseJson(response.body, {.max_bytes = 64 << 10});
  if (!body.ok() || TextOf(*body, "client_id").empty()) {
    return Fail(server.issuer + ": registered us without a client_id");
  }
  ClientRegistration client;
  client.id = TextOf(*body, "client_id");
  client.secret = TextOf(*body, "client_secret");
  client.auth_method = TextOf(*body, "token_endpoint_auth_method");
  if (client.auth_method.empty()) client.auth_method = method;
  client.redirect_uri = redirect_uri;
  return client;
}

Result<Tokens> AuthServer::RequestTokens(const AuthServerMetadata& server,
                                         const ClientRegistration& client, Form form,
                                         std::stop_token stop) {
  net::HttpHeaders headers;
  const std::string method = client.auth_method.empty()
                                 ? ChooseAuthMethod(server, !client.secret.empty())
                                 : client.auth_method;
  if (method == "client_secret_basic") {
    headers.emplace_back("Authorization", "Basic " + Base64(net::PercentEncode(client.id) + ":" +
                                                            net::PercentEncode(client.secret)));
  } else {
    form.emplace_back("client_id", client.id);
    if (method == "client_secret_post") form.emplace_back("client_secret", client.secret);
  }
  HEARTH_TRY(const net::HttpResponse response,
             Post(server.token_endpoint, net::FormEncode(form), "application/x-www-form-urlencoded",
                  std::move(headers), stop));
  if (response.head.status != 200) {
    return Fail(Concat(server.issuer, ": refused us: ", Reason(response)));
  }
  const auto body = ParseJson(response.body, {.max_bytes = 256 << 10});
  if (!body.ok()) return Fail(server.issuer + ": its token answer is no JSON");
  std::string type = TextOf(*body, "token_type");
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? c | 32 : c; });
  Tokens tokens{.access = TextOf(*body, "access_token"),
                .refresh = TextOf(*body, "refresh_token"),
                .scope = TextOf(*body, "scope")};
  if (type != "bearer" || tokens.access.empty()) {
    return Fail(server.issuer + ": gave no bearer token");
  }
  return tokens;
}

}  // namespace hearth::mcp
