#include "mcp/auth/metadata.h"

#include "runtime/base/json.h"

namespace hearth::mcp {
namespace {

constexpr JsonLimits kLimits = {
    .max_bytes = size_t{1} << 20, .max_depth = 16, .max_values = 20'000};
constexpr size_t kMostEntries = 1000;

Error Wrong(const char* name, const char* what) {
  return MakeError(ErrorCode::kInvalidArgument, "\"", name, "\" must be ", what);
}

// Absent members stay as they are.
Status Read(const Json& object, const char* name, std::string& out) {
  const Json* value = FindMember(object, name);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string()) return Wrong(name, "a string");
  out = value->get<std::string>();
  return {};
}

Status Read(const Json& object, const char* name, std::vector<std::string>& out) {
  const Json* value = FindMember(object, name);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_array() || value->size() > kMostEntries) return Wrong(name, "a list of strings");
  for (const Json& entry : *value) {
    if (!entry.is_string()) return Wrong(name, "a list of strings");
    out.push_back(entry.get<std::string>());
  }
  return {};
}

Status Read(const Json& object, const char* name, bool& out) {
  const Json* value = FindMember(object, name);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_boolean()) return Wrong(name, "true or false");
  out = value->get<bool>();
  return {};
}

Result<Json> ReadObject(std::string_view text) {
  HEARTH_TRY(Json object, ParseJson(text, kLimits));
  if (!object.is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, "the metadata is no JSON object");
  }
  return object;
}

// The path without the slash that ends it.
std::string Path(const net::Url& url) {
  std::string path = url.path();
  while (path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

Result<ResourceMetadata> ReadResourceMetadata(std::string_view text) {
  HEARTH_TRY(const Json object, ReadObject(text));
  ResourceMetadata metadata;
  HEARTH_CHECK_OK(Read(object, "resource", metadata.resource));
  HEARTH_CHECK_OK(Read(object, "authorization_servers", metadata.authorization_servers));
  HEARTH_CHECK_OK(Read(object, "scopes_supported", metadata.scopes));
  if (metadata.resource.empty()) return Wrong("resource", "the server's address");
  return metadata;
}

Result<AuthServerMetadata> ReadAuthServerMetadata(std::string_view text) {
  HEARTH_TRY(const Json object, ReadObject(text));
  AuthServerMetadata metadata;
  HEARTH_CHECK_OK(Read(object, "issuer", metadata.issuer));
  HEARTH_CHECK_OK(Read(object, "authorization_endpoint", metadata.authorization_endpoint));
  HEARTH_CHECK_OK(Read(object, "token_endpoint", metadata.token_endpoint));
  HEARTH_CHECK_OK(Read(object, "registration_endpoint", metadata.registration_endpoint));
  HEARTH_CHECK_OK(Read(object, "scopes_supported", metadata.scopes));
  HEARTH_CHECK_OK(Read(object, "grant_types_supported", metadata.grant_types));
  HEARTH_CHECK_OK(
      Read(object, "token_endpoint_auth_methods_supported", metadata.token_auth_methods));
  HEARTH_CHECK_OK(Read(object, "code_challenge_methods_supported", metadata.challenge_methods));
  HEARTH_CHECK_OK(
      Read(object, "client_id_metadata_document_supported", metadata.takes_client_metadata));
  HEARTH_CHECK_OK(
      Read(object, "authorization_response_iss_parameter_supported", metadata.names_itself));
  if (metadata.issuer.empty()) return Wrong("issuer", "the authorization server's address");
  if (metadata.token_endpoint.empty()) return Wrong("token_endpoint", "an address");
  return metadata;
}

bool Covers(const std::string& resource, const net::Url& server) {
  const auto named = net::Url::Parse(resource);
  if (!named.ok() || named->origin() != server.origin()) return false;
  const std::string prefix = Path(*named);
  const std::string path = server.path();
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

std::vector<std::string> ResourceMetadataAddresses(const net::Url& server) {
  const std::string well_known = server.origin() + "/.well-known/oauth-protected-resource";
  const std::string path = Path(server);
  if (path.empty()) return {well_known};
  return {well_known + path, well_known};
}

std::vector<std::string> AuthServerMetadataAddresses(const net::Url& issuer) {
  const std::string origin = issuer.origin();
  const std::string path = Path(issuer);
  std::vector<std::string> addresses = {origin + "/.well-known/oauth-authorization-server" + path,
                                        origin + "/.well-known/openid-configuration" + path};
  if (!path.empty()) addresses.push_back(origin + path + "/.well-known/openid-configuration");
  return addresses;
}

}  // namespace hearth::mcp
