#include "mcp/auth/authorization_request.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "mcp/security/base64.h"
#include "mcp/security/sha256.h"
#include "runtime/base/ids.h"
#include "runtime/base/text.h"

namespace hearth::mcp {
namespace {

std::vector<std::string> Split(std::string_view scopes) {
  std::istringstream in{std::string(scopes)};
  std::vector<std::string> all;
  for (std::string one; in >> one;) all.push_back(one);
  return all;
}

std::string RandomText() {
  std::array<unsigned char, 32> bytes = {};
  FillRandom(bytes);
  return Base64Url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

AuthorizationRequest AuthorizationRequest::Make() {
  AuthorizationRequest request;
  request.state = RandomText();
  request.verifier = RandomText();
  return request;
}

std::string AuthorizationRequest::Page(const AuthServerMetadata& server) const {
  std::vector<std::pair<std::string, std::string>> fields = {
      {"response_type", "code"},
      {"client_id", client_id},
      {"redirect_uri", redirect_uri},
      {"state", state},
      {"code_challenge", Base64Url(AsText(Sha256(verifier)))},
      {"code_challenge_method", "S256"},
      {"resource", resource}};
  if (!scope.empty()) fields.emplace_back("scope", scope);
  // OpenID servers give a refresh token only after they have asked for it.
  if (HoldsScopes(scope, "offline_access")) fields.emplace_back("prompt", "consent");
  const bool has_query = server.authorization_endpoint.find('?') != std::string::npos;
  return server.authorization_endpoint + (has_query ? "&" : "?") + net::FormEncode(fields);
}

Result<std::string> AuthorizationRequest::TakeCode(const AuthServerMetadata& server,
                                                   std::string_view query) const {
  std::string code;
  std::string got_state;
  std::string issuer;
  std::string error;
  std::string description;
  for (const auto& [name, value] : net::FormDecode(query)) {
    if (name == "code") code = value;
    if (name == "state") got_state = value;
    if (name == "iss") issuer = value;
    if (name == "error") error = value;
    if (name == "error_description") description = value;
  }
  if (!EqualsInConstantTime(got_state, state)) {
    return MakeError(
        ErrorCode::kIo,
        "the answer does not belong to this login; somebody may have tampered with it");
  }
  // Compared as they are written: two spellings of one address are two issuers.
  if (issuer.empty() ? server.names_itself : issuer != server.issuer) {
    return MakeError(ErrorCode::kIo, "the answer comes from '",
                     Clip(OneLine(issuer), 200), "' and not from ", server.issuer);
  }
  if (!error.empty()) {
    return MakeError(ErrorCode::kIo, "the login was refused: ",
                     Clip(OneLine(description.empty() ? error : error + ", " + description), 300));
  }
  if (code.empty()) return MakeError(ErrorCode::kIo, "the answer has no code");
  return code;
}

std::string UnionOfScopes(std::string_view a, std::string_view b) {
  std::vector<std::string> all = Split(a);
  for (std::string& scope : Split(b)) {
    if (std::ranges::find(all, scope) == all.end()) all.push_back(std::move(scope));
  }
  std::string text;
  for (const std::string& scope : all) text += (text.empty() ? "" : " ") + scope;
  return text;
}

bool HoldsScopes(std::string_view held, std::string_view wanted) {
  const std::vector<std::string> all = Split(held);
  return std::ranges::all_of(Split(wanted), [&](const std::string& scope) {
    return std::ranges::find(all, scope) != all.end();
  });
}

}  // namespace hearth::mcp
