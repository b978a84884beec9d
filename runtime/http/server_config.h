// ServerConfig: the daemon's settings, from a TOML file, the environment and flags.
//
// Flags go before the environment, the environment before the file, the file before the defaults.
// A setting nobody knows, a value of another type or out of range is an Error that says where it
// stands. The table in runtime/http/README.md lists them all.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/base/json.h"
#include "runtime/base/paths.h"
#include "runtime/http/server.h"

namespace hearth::http {

struct ServerConfig {
  std::string host = "127.0.0.1";  // or unix:/path
  int64_t port = 11434;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_origins;
  std::string token_file;  // empty: $XDG_CONFIG_HOME/hearth/token, where that exists
  int64_t max_connections = 512;
  int64_t max_body_bytes = int64_t{32} << 20;
  int64_t head_seconds = 10;
  int64_t body_seconds = 60;
  int64_t idle_seconds = 75;
  int64_t write_seconds = 30;
  int64_t request_seconds = 1800;
  int64_t keep_alive_ms = 2000;
  std::string model;
  std::string models_directory;  // empty: $XDG_DATA_HOME/hearth/models
  int64_t max_loaded = 3;
  int64_t max_queue = 128;
  int64_t max_sequences = 16;
  int64_t context_tokens = 0;
  int64_t kv_mib = 0;       // of KV memory; 0: four contexts
  int64_t kv_host_mib = 0;  // of the host's memory for KV that the device has no room for
  int64_t model_keep_alive_seconds = 300;
  std::vector<std::string> adapters;  // LoRA files of the default model
  std::string draft_model;            // guesses for it
  std::string reasoning_field = "reasoning_content";
  std::string database;  // empty: $XDG_DATA_HOME/hearth/hearth.db
  std::string log_level;

  // Takes the file's settings. `path` is for messages.
  Status ReadToml(std::string_view text, const std::string& path);
  // HEARTH_HOST, HEARTH_PORT, HEARTH_MODEL, …: one variable for each setting that has one.
  Status ReadEnvironment(const Environment& environment);
  // One setting by its TOML name, such as "server.port", from its text; for flags too.
  Status Set(std::string_view name, std::string_view value);
  // All settings, for people: {"server": {"host": …}, …}.
  Json ToJson() const;

  // Where to listen. host may also be host:port, :port, [v6]:port, http://host:port and unix:/path,
  // as HEARTH_HOST is written.
  Result<Endpoint> ToEndpoint() const;
  // Everything but the tokens.
  Result<ServerOptions> ToServerOptions() const;
};

}  // namespace hearth::http
