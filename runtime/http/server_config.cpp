#include "runtime/http/server_config.h"

#include <toml++/toml.h>

#include <charconv>
#include <sstream>
#include <variant>

#include "runtime/http/openai.h"

namespace hearth::http {
namespace {

struct Range {
  int64_t low, high;
};

// One setting: where it lies in the struct, and what it may be called.
struct Setting {
  std::string_view name;  // table.key
  const char* variable;   // of the environment, or null
  std::variant<std::string ServerConfig::*, int64_t ServerConfig::*,
               std::vector<std::string> ServerConfig::*>
      member;
  Range range{0, 0};
};

constexpr int64_t kYear = 365 * 86400;

const std::vector<Setting>& Settings() {
  using C = ServerConfig;
  static const std::vector<Setting> settings = {
      {"server.host", "HEARTH_HOST", &C::host},
      {"server.port", "HEARTH_PORT", &C::port, {0, 65535}},
      {"server.allowed_hosts", "HEARTH_ALLOWED_HOSTS", &C::allowed_hosts},
      {"server.allowed_origins", "HEARTH_ALLOWED_ORIGINS", &C::allowed_origins},
      {"server.token_file", "HEARTH_TOKEN_FILE", &C::token_file},
      {"server.max_connections", "HEARTH_MAX_CONNECTIONS", &C::max_connections, {1, 100000}},
      {"server.max_body_bytes", nullptr, &C::max_body_bytes, {1024, int64_t{1} << 30}},
      {"server.head_seconds", nullptr, &C::head_seconds, {1, 3600}},
      {"server.body_seconds", nullptr, &C::body_seconds, {1, 3600}},
      {"server.idle_seconds", nullptr, &C::idle_seconds, {1, 86400}},
      {"server.write_seconds", nullptr, &C::write_seconds, {1, 3600}},
      {"server.request_seconds", nullptr, &C::request_seconds, {1, kYear}},
      {"server.keep_alive_ms", nullptr, &C::keep_alive_ms, {1, 600'000}},
      {"models.default", "HEARTH_MODEL", &C::model},
      {"models.directory", "HEARTH_MODELS", &C::models_directory},
      {"models.max_loaded", "HEARTH_MAX_LOADED", &C::max_loaded, {1, 64}},
      {"models.max_queue", "HEARTH_MAX_QUEUE", &C::max_queue, {0, 100000}},
      {"models.max_sequences", "HEARTH_MAX_SEQUENCES", &C::max_sequences, {1, 256}},
      {"models.context_tokens", "HEARTH_CONTEXT", &C::context_tokens, {0, 1 << 24}},
      {"models.kv_mib", "HEARTH_KV_MIB", &C::kv_mib, {0, 1 << 24}},
      {"models.kv_host_mib", "HEARTH_KV_HOST_MIB", &C::kv_host_mib, {0, 1 << 24}},
      {"models.keep_alive_seconds", "HEARTH_KEEP_ALIVE", &C::model_keep_alive_seconds, {-1, kYear}},
      {"models.lora", "HEARTH_LORA", &C::adapters},
      {"models.draft", "HEARTH_DRAFT", &C::draft_model},
      {"api.reasoning_field", "HEARTH_REASONING_FIELD", &C::reasoning_field},
      {"store.database", "HEARTH_DB", &C::database},
      {"log.level", "HEARTH_LOG", &C::log_level},
  };
  return settings;
}

const Setting* FindSetting(std::string_view name) {
  for (const Setting& setting : Settings()) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

Status CheckWord(const Setting& setting, const std::string& value) {
  const auto one_of = [&](std::initializer_list<std::string_view> words) -> Status {
    std::string list;
    for (const std::string_view word : words) {
      if (word == value) return {};
      list += Concat(list.empty() ? "" : ", ", word);
    }
    return MakeError(ErrorCode::kInvalidArgument, setting.name, ": '", value, "' is none of ",
                     list);
  };
  if (setting.name == "api.reasoning_field") {
    return one_of({"reasoning_content", "reasoning", "raw"});
  }
  if (setting.name == "log.level") return one_of({"debug", "info", "warn", "error", "off"});
  return {};
}

Status SetNumber(ServerConfig& config, const Setting& setting, int64_t value) {
  if (value < setting.range.low || value > setting.range.high) {
    return MakeError(ErrorCode::kInvalidArgument, setting.name, ": ", value, " is not between ",
                     setting.range.low, " and ", setting.range.high);
  }
  config.*std::get<int64_t ServerConfig::*>(setting.member) = value;
  return {};
}

Status SetText(ServerConfig& config, const Setting& setting, std::string value) {
  HEARTH_CHECK_OK(CheckWord(setting, value));
  config.*std::get<std::string ServerConfig::*>(setting.member) = std::move(value);
  return {};
}

Status SetFromToml(ServerConfig& config, const Setting& setting, const toml::node& node) {
  const auto wrong = [&](const char* wanted) {
    return MakeError(ErrorCode::kInvalidArgument, setting.name, " must be ", wanted);
  };
  if (std::holds_alternative<int64_t ServerConfig::*>(setting.member)) {
    if (!node.is_integer()) return wrong("an integer");
    return SetNumber(config, setting, **node.as_integer());
  }
  if (std::holds_alternative<std::string ServerConfig::*>(setting.member)) {
    if (!node.is_string()) return wrong("a string");
    return SetText(config, setting, **node.as_string());
  }
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong("an array of strings");
  std::vector<std::string> values;
  for (const toml::node& one : *list) {
    if (!one.is_string()) return wrong("an array of strings");
    values.push_back(**one.as_string());
  }
  config.*std::get<std::vector<std::string> ServerConfig::*>(setting.member) = std::move(values);
  return {};
}

Error At(const std::string& path, const toml::source_region& where, const std::string& what) {
  return MakeError(ErrorCode::kInvalidArgument, path, ", line ", where.begin.line, ": ", what);
}

}  // namespace

Status ServerConfig::Set(std::string_view name, std::string_view value) {
  const Setting* setting = FindSetting(name);
  if (setting == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, "there is no setting ", name);
  }
  if (std::holds_alternative<std::string ServerConfig::*>(setting->member)) {
    return SetText(*this, *setting, std::string(value));
  }
  if (std::holds_alternative<int64_t ServerConfig::*>(setting->member)) {
    int64_t number = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failed != std::errc() || end != value.data() + value.size()) {
      return MakeError(ErrorCode::kInvalidArgument, name, ": '", value.substr(0, 50),
                       "' is no integer");
    }
    return SetNumber(*this, *setting, number);
  }
  std::vector<std::string> list;
  std::istringstream words{std::string(value)};
  for (std::string word; std::getline(words, word, ',');) {
    if (!word.empty()) list.push_back(word);
  }
  this->*std::get<std::vector<std::string> ServerConfig::*>(setting->member) = std::move(list);
  return {};
}

Status ServerConfig::ReadToml(std::string_view text, const std::string& path) {
  // toml++ takes a NUL in a table's name for a broken invariant of its own.
  if (text.find('\0') != std::string_view::npos) {
    return MakeError(ErrorCode::kInvalidArgument, path, ": this is no text: it has a NUL byte");
  }
  toml::table root;
  try {
    root = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return At(path, error.source(), std::string(error.description()));
  }
  for (const auto& [table_name, table_node] : root) {
    const toml::table* table = table_node.as_table();
    if (table == nullptr) {
      return At(path, table_node.source(),
                Concat("'", table_name.str(), "' must stand in a table such as [server]"));
    }
    for (const auto& [key, node] : *table) {
      const std::string name = Concat(table_name.str(), ".", key.str());
      const Setting* setting = FindSetting(name);
      if (setting == nullptr) {
        return At(path, node.source(), "there is no setting " + name);
      }
      const Status set = SetFromToml(*this, *setting, node);
      if (!set.ok()) return At(path, node.source(), set.error().message);
    }
  }
  return {};
}

Status ServerConfig::ReadEnvironment(const Environment& environment) {
  for (const Setting& setting : Settings()) {
    if (setting.variable == nullptr) continue;
    const char* value = environment(setting.variable);
    if (value == nullptr || *value == '\0') continue;
    const Status set = Set(setting.name, value);
    if (!set.ok()) {
      return MakeError(ErrorCode::kInvalidArgument, setting.variable, ": ", set.error().message);
    }
  }
  return {};
}

Json ServerConfig::ToJson() const {
  Json json = Json::object();
  for (const Setting& setting : Settings()) {
    const size_t dot = setting.name.find('.');
    Json& slot =
        json[std::string(setting.name.substr(0, dot))][std::string(setting.name.substr(dot + 1))];
    std::visit([&](auto member) { slot = this->*member; }, setting.member);
  }
  return json;
}

Result<Endpoint> ServerConfig::ToEndpoint() const {
  Endpoint endpoint;
  endpoint.port = static_cast<uint16_t>(port);
  std::string_view text = host;
  for (const std::string_view scheme : {"unix://", "unix:"}) {
    if (!text.starts_with(scheme)) continue;
    endpoint.socket_path = text.substr(scheme.size());
    if (endpoint.socket_path.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "server.host: unix: needs a path");
    }
    return endpoint;
  }
  if (text.starts_with("http://")) text.remove_prefix(7);
  while (text.ends_with('/')) text.remove_suffix(1);
  std::string_view port_text;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) {
      return MakeError(ErrorCode::kInvalidArgument, "server.host: '", host, "' has no ]");
    }
    port_text = text.substr(end + 1);
    text = text.substr(1, end - 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    const size_t colon = text.find(':');
    port_text = text.substr(colon);
    text = text.substr(0, colon);
  }
  if (!port_text.empty()) {
    ServerConfig other;
    if (!port_text.starts_with(':') || !other.Set("server.port", port_text.substr(1)).ok()) {
      return MakeError(ErrorCode::kInvalidArgument, "server.host: '", host,
                       "' does not end with a port");
    }
    endpoint.port = static_cast<uint16_t>(other.port);
  }
  endpoint.host = text.empty() ? "127.0.0.1" : std::string(text);
  return endpoint;
}

Result<ServerOptions> ServerConfig::ToServerOptions() const {
  ServerOptions options;
  HEARTH_TRY(const Endpoint endpoint, ToEndpoint());
  options.endpoints = {endpoint};
  options.limits.max_connections = static_cast<size_t>(max_connections);
  options.limits.max_body_bytes = static_cast<uint64_t>(max_body_bytes);
  options.limits.head_time = std::chrono::seconds(head_seconds);
  options.limits.body_time = std::chrono::seconds(body_seconds);
  options.limits.idle_time = std::chrono::seconds(idle_seconds);
  options.limits.write_time = std::chrono::seconds(write_seconds);
  options.generation.longest = std::chrono::seconds(request_seconds);
  options.generation.keep_alive = std::chrono::milliseconds(keep_alive_ms);
  options.access.hosts = allowed_hosts;
  options.access.origins = allowed_origins;
  if (endpoint.socket_path.empty()) options.access.hosts.push_back(endpoint.host);
  options.openai.reasoning_field = reasoning_field;
  return options;
}

}  // namespace hearth::http
