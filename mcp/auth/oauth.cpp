#include "mcp/oauth.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "mcp/auth/auth_server.h"
#include "mcp/auth/authorization_request.h"
#include "mcp/auth/client_assertion.h"
#include "runtime/base/log.h"

namespace hearth::mcp {
namespace {

Error Fail(const std::string& what) { return {ErrorCode::kIo, what}; }

class OAuth : public Authorizer {
 public:
  OAuth(const OAuthParts& parts, net::Url server, OAuthConfig config)
      : parts_(parts),
        server_(std::move(server)),
        config_(std::move(config)),
        name_(server_.ToString()),
        auth_(parts.http, server_) {}

  std::string Header() override {
    const std::lock_guard lock(mutex_);
    if (!looked_) {
      looked_ = true;
      auto saved = parts_.tokens.Current(name_);
      if (saved.ok() && *saved) {
        held_ = std::move(**saved);
      } else if (!saved.ok()) {
        Log(LogLevel::kWarn, saved.error().message);
      }
    }
    return held_ && !held_->tokens.access.empty() ? "Bearer " + held_->tokens.access
                                                  : std::string();
  }

  Status Challenge(const std::string& header, int status, std::string_view www_authenticate,
                   std::stop_token stop) override {
    const std::lock_guard one_at_a_time(flow_);
    if (Header() != header) return {};  // another request has got a token meanwhile
    HEARTH_TRY(const auto saved, parts_.tokens.Current(name_));
    if (saved && !saved->tokens.access.empty() && "Bearer " + saved->tokens.access != header) {
      Hold(*saved);  // another process has
      return {};
    }
    const mcp::Challenge challenge = BearerChallenge(www_authenticate);
    const std::string asked = challenge.Find("scope");
    if (status == 403 && saved && HoldsScopes(saved->tokens.scope, asked)) {
      return Fail(name_ + ": does not let us in although it was granted what it asks for" +
                  (asked.empty() ? "" : " (" + asked + ")"));
    }
    HEARTH_TRY(const Guard guard, auth_.Find(challenge, stop));
    HEARTH_TRY(const auto known, parts_.tokens.Find(name_, guard.server.issuer));
    Credentials credentials = known.value_or(Credentials{.issuer = guard.server.issuer});
    if (status == 401 && !credentials.tokens.refresh.empty()) {
      if (Refresh(guard, credentials, stop)) return Keep(credentials);
    }
    const std::string scope = UnionOfScopes(credentials.tokens.scope, Choose(asked, guard));
    HEARTH_CHECK_OK(config_.client_credentials ? Enter(guard, scope, credentials, stop)
                                               : Login(guard, scope, credentials, stop));
    return Keep(credentials);
  }

 private:
  // What to ask for where there is no more to go by than what was said.
  std::string Choose(const std::string& asked, const Guard& guard) const {
    std::string scope = asked;
    if (scope.empty()) scope = config_.scope;
    if (scope.empty()) scope = guard.scopes;
    const auto& offered = guard.server.scopes;
    const bool lasts = std::ranges::find(offered, "offline_access") != offered.end();
    return lasts && !config_.client_credentials ? UnionOfScopes(scope, "offline_access") : scope;
  }

  void Hold(const Credentials& credentials) {
    const std::lock_guard lock(mutex_);
    held_ = credentials;
  }

  Status Keep(const Credentials& credentials) {
    Hold(credentials);
    return parts_.tokens.Save(name_, credentials);
  }

  static void Take(Tokens fresh, const std::string& asked, Credentials& credentials) {
    credentials.tokens.access = std::move(fresh.access);
    // A server that gives no other refresh token means the old one.
    if (!fresh.refresh.empty()) credentials.tokens.refresh = std::move(fresh.refresh);
    credentials.tokens.scope = UnionOfScopes(asked, fresh.scope);
  }

  bool Refresh(const Guard& guard, Credentials& credentials, std::stop_token stop) {
    auto fresh = auth_.RequestTokens(guard.server, credentials.client,
                                     {{"grant_type", "refresh_token"},
                                      {"refresh_token", credentials.tokens.refresh},
                                      {"resource", guard.resource}},
                                     stop);
    if (!fresh.ok()) {
      Log(LogLevel::kInfo, "the login has to be renewed: ", fresh.error().message);
      credentials.tokens.refresh.clear();
      return false;
    }
    Take(*std::move(fresh), credentials.tokens.scope, credentials);
    return true;
  }

  // The client that was registered beforehand, if there is one.
  std::optional<ClientRegistration> Configured() const {
    if (config_.client_id.empty()) return std::nullopt;
    return ClientRegistration{.id = config_.client_id, .secret = config_.client_secret};
  }

  // The program itself is let in.
  Status Enter(const Guard& guard, const std::string& scope, Credentials& credentials,
               std::stop_token stop) {
    const auto client = Configured();
    if (!client) return Fail(name_ + ": \"oauth\" in its entry lacks \"clientId\"");
    credentials.client = *client;
    Form form = {{"grant_type", "client_credentials"}, {"resource", guard.resource}};
    if (!scope.empty()) form.emplace_back("scope", scope);
    if (!config_.private_key.empty()) {
      credentials.client.auth_method = "private_key_jwt";
      HEARTH_TRY(std::string assertion,
                 SignClientAssertion(config_.private_key, client->id, guard.server.issuer,
                                     parts_.clock.Now()));
      form.emplace_back("client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
      form.emplace_back("client_assertion", std::move(assertion));
    }
    HEARTH_TRY(Tokens fresh,
               auth_.RequestTokens(guard.server, credentials.client, std::move(form), stop));
    Take(std::move(fresh), scope, credentials);
    return {};
  }

  // A person grants it.
  Status Login(const Guard& guard, const std::string& scope, Credentials& credentials,
               std::stop_token stop) {
    const AuthServerMetadata& server = guard.server;
    if (parts_.browser == nullptr) {
      return Fail(name_ +
                  ": wants a login, and nobody is here to give it; at a terminal run: "
                  "hearth mcp login");
    }
    const auto& methods = server.challenge_methods;
    if (std::ranges::find(methods, "S256") == methods.end()) {
      return Fail(server.issuer +
                  ": does not know PKCE with S256, without which a login is unsafe");
    }
    if (server.authorization_endpoint.empty()) {
      return Fail(server.issuer + ": has no page to log in");
    }
    HEARTH_TRY(const auto visit, Begin(credentials.client));
    HEARTH_TRY(credentials.client,
               Identify(server, credentials.client, visit->redirect_uri(), stop));
    AuthorizationRequest request = AuthorizationRequest::Make();
    request.client_id = credentials.client.id;
    request.redirect_uri = visit->redirect_uri();
    request.scope = scope;
    request.resource = guard.resource;
    HEARTH_TRY(const std::string query, visit->Go(request.Page(server), stop));
    HEARTH_TRY(const std::string code, request.TakeCode(server, query));
    HEARTH_TRY(Tokens fresh, auth_.RequestTokens(server, credentials.client,
                                                 {{"grant_type", "authorization_code"},
                                                  {"code", code},
                                                  {"redirect_uri", request.redirect_uri},
                                                  {"code_verifier", request.verifier},
                                                  {"resource", guard.resource}},
                                                 stop));
    credentials.tokens.refresh.clear();
    Take(std::move(fresh), scope, credentials);
    return {};
  }

  // At the port that is registered, where it is free.
  Result<std::unique_ptr<Browser::Visit>> Begin(const ClientRegistration& client) {
    uint16_t port = config_.callback_port;
    if (port == 0 && !client.redirect_uri.empty()) {
      const auto url = net::Url::Parse(client.redirect_uri);
      if (url.ok()) port = url->port;
    }
    auto visit = parts_.browser->Begin(port);
    if (visit.ok() || config_.callback_port != 0 || port == 0) return visit;
    return parts_.browser->Begin(0);
  }

  // Who we are to this authorization server.
  Result<ClientRegistration> Identify(const AuthServerMetadata& server,
                                      const ClientRegistration& known,
                                      const std::string& redirect_uri, std::stop_token stop) {
    if (const auto configured = Configured()) return *configured;
    if (server.takes_client_metadata && !config_.client_metadata_url.empty()) {
      return ClientRegistration{.id = config_.client_metadata_url, .auth_method = "none"};
    }
    if (!known.id.empty() && known.redirect_uri == redirect_uri) return known;
    if (server.registration_endpoint.empty()) {
      return Fail(server.issuer +
                  ": registers nobody by itself; register a client there and put it into the "
                  "server's entry: \"oauth\": {\"clientId\": …}");
    }
    return auth_.Register(server, redirect_uri, stop);
  }

  const OAuthParts parts_;
  const net::Url server_;
  const OAuthConfig config_;
  const std::string name_;
  AuthServer auth_;
  std::mutex flow_;  // one login at a time
  std::mutex mutex_;
  bool looked_ = false;
  std::optional<Credentials> held_;
};

}  // namespace

std::unique_ptr<Authorizer> MakeOAuth(const OAuthParts& parts, net::Url server,
                                      OAuthConfig config) {
  return std::make_unique<OAuth>(parts, std::move(server), std::move(config));
}

}  // namespace hearth::mcp
