#include "mcp/server_config.h"

#include <optional>

#include "mcp/client/private_file.h"
#include "runtime/base/json.h"
#include "runtime/base/text.h"

namespace hearth::mcp {
namespace {

// ${NAME} replaced; an unset variable is an error, since an empty password is worse than none.
Result<std::string> Expand(const std::string& text, const Environment& environment) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find("${", at);
    const size_t end = begin == std::string::npos ? begin : text.find('}', begin);
    if (end == std::string::npos) return out + text.substr(at);
    const std::string name = text.substr(begin + 2, end - begin - 2);
    const char* value = environment(name.c_str());
    if (value == nullptr) {
      return MakeError(ErrorCode::kInvalidArgument, "the environment variable ", name,
                       " is not set");
    }
    out += text.substr(at, begin - at) + value;
    at = end + 1;
  }
  return out;
}

class EntryReader {
 public:
  EntryReader(const Json& entry, const Environment& environment)
      : entry_(entry), environment_(environment) {}

  Status Read(const char* name, std::string& out) const {
    const Json* value = FindMember(entry_, name);
    if (value == nullptr) return {};
    if (!value->is_string()) return Wrong(name, "a string");
    HEARTH_TRY(out, Expand(value->get<std::string>(), environment_));
    return {};
  }

  Status Read(const char* name, bool& out) const {
    const Json* value = FindMember(entry_, name);
    if (value == nullptr) return {};
    if (!value->is_boolean()) return Wrong(name, "true or false");
    out = value->get<bool>();
    return {};
  }

  Status Read(const char* name, std::chrono::milliseconds& out) const {
    constexpr double kMostSeconds = 86'400;
    const Json* value = FindMember(entry_, name);
    if (value == nullptr) return {};
    if (!value->is_number() || *value <= 0 || *value > kMostSeconds) {
      return Wrong(name, "a number of seconds, at most a day");
    }
    out = std::chrono::milliseconds(static_cast<int64_t>(value->get<double>() * 1000));
    return {};
  }

  Status Read(const char* name, std::vector<std::string>& out) const {
    const Json* value = FindMember(entry_, name);
    if (value == nullptr) return {};
    if (!value->is_array()) return Wrong(name, "a list of strings");
    for (const Json& element : *value) {
      if (!element.is_string()) return Wrong(name, "a list of strings");
      HEARTH_TRY(std::string text, Expand(element.get<std::string>(), environment_));
      out.push_back(std::move(text));
    }
    return {};
  }

  Status Read(const char* name, std::vector<std::pair<std::string, std::string>>& out) const {
    const Json* value = FindMember(entry_, name);
    if (value == nullptr) return {};
    if (!value->is_object()) return Wrong(name, "an object of strings");
    for (const auto& [key, element] : value->items()) {
      if (!element.is_string()) return Wrong(name, "an object of strings");
      HEARTH_TRY(std::string text, Expand(element.get<std::string>(), environment_));
      out.emplace_back(key, std::move(text));
    }
    return {};
  }

 private:
  static Error Wrong(const char* name, const char* what) {
    return MakeError(ErrorCode::kInvalidArgument, "\"", name, "\" must be ", what);
  }

  const Json& entry_;
  const Environment& environment_;
};

Result<OAuthConfig> ReadOAuth(const Json& entry, const Environment& environment) {
  OAuthConfig oauth;
  const Json* given = FindMember(entry, "oauth");
  if (given == nullptr) return oauth;
  if (!given->is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, "\"oauth\" must be an object");
  }
  const EntryReader reader(*given, environment);
  std::string key_file;
  HEARTH_CHECK_OK(reader.Read("clientId", oauth.client_id));
  HEARTH_CHECK_OK(reader.Read("clientSecret", oauth.client_secret));
  HEARTH_CHECK_OK(reader.Read("clientMetadataUrl", oauth.client_metadata_url));
  HEARTH_CHECK_OK(reader.Read("scope", oauth.scope));
  HEARTH_CHECK_OK(reader.Read("privateKeyFile", key_file));
  HEARTH_CHECK_OK(reader.Read("clientCredentials", oauth.client_credentials));
  if (!key_file.empty()) {
    HEARTH_TRY(oauth.private_key, ReadPrivateFile(key_file));
  }
  const Json* port = FindMember(*given, "callbackPort");
  if (port == nullptr) return oauth;
  if (!port->is_number_unsigned() || *port == 0 || *port > 65535) {
    return MakeError(ErrorCode::kInvalidArgument, "\"callbackPort\" must be a port, 1 to 65535");
  }
  oauth.callback_port = port->get<uint16_t>();
  return oauth;
}

Result<McpServerConfig> ReadEntry(const std::string& name, const Json& entry,
                                  const Environment& environment) {
  if (name.empty() || name.size() > 64) {
    return MakeError(ErrorCode::kInvalidArgument, "a server's name has 1 to 64 characters");
  }
  if (!entry.is_object()) return MakeError(ErrorCode::kInvalidArgument, "must be an object");
  const EntryReader reader(entry, environment);
  McpServerConfig config;
  config.name = name;
  HEARTH_CHECK_OK(reader.Read("command", config.launch.command));
  HEARTH_CHECK_OK(reader.Read("args", config.launch.arguments));
  HEARTH_CHECK_OK(reader.Read("env", config.launch.environment));
  HEARTH_CHECK_OK(reader.Read("cwd", config.launch.directory));
  HEARTH_CHECK_OK(reader.Read("url", config.url));
  HEARTH_CHECK_OK(reader.Read("headers", config.headers));
  HEARTH_TRY(config.oauth, ReadOAuth(entry, environment));
  HEARTH_CHECK_OK(reader.Read("disabled", config.disabled));
  HEARTH_CHECK_OK(reader.Read("sampling", config.sampling));
  HEARTH_CHECK_OK(reader.Read("trusted", config.trusted));
  HEARTH_CHECK_OK(reader.Read("tools", config.tools));
  HEARTH_CHECK_OK(reader.Read("allow", config.allow));
  HEARTH_CHECK_OK(reader.Read("timeout", config.timeout));
  HEARTH_CHECK_OK(reader.Read("maxTimeout", config.max_timeout));
  if (config.launch.command.empty() == config.url.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "needs either \"command\" or \"url\"");
  }
  return config;
}

}  // namespace

Result<std::vector<McpServerConfig>> ReadMcpServers(std::string_view text,
                                                    std::vector<std::string>& warnings,
                                                    const Environment& environment) {
  HEARTH_TRY(const Json file, ParseJson(text));
  const Json* entries = FindMember(file, "mcpServers");
  if (entries == nullptr) entries = FindMember(file, "servers");  // as VS Code calls them
  if (entries == nullptr || !entries->is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, "the file must have an object \"mcpServers\"");
  }
  std::vector<McpServerConfig> servers;
  for (const auto& [name, entry] : entries->items()) {
    auto config = ReadEntry(name, entry, environment);
    if (config.ok()) {
      servers.push_back(*std::move(config));
    } else {
      warnings.push_back(
          Concat("server '", Clip(OneLine(name), 64), "' is left out: ", config.error().message));
    }
  }
  return servers;
}

}  // namespace hearth::mcp
