// room: http
// Any bytes as a settings file: refused with the place, or settings that make server options or
// are refused in words.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/http/server_config.h"

using namespace hearth;
using namespace hearth::http;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 14) return 0;
  ServerConfig config;
  const Status read = config.ReadToml({reinterpret_cast<const char*>(data), size}, "hearth.toml");
  if (!read.ok()) {
    if (!read.error().message.starts_with("hearth.toml")) std::abort();
    return 0;
  }
  const auto options = config.ToServerOptions();
  if (!options.ok() && options.error().message.empty()) std::abort();
  // What is printed can be read back, word for word.
  ServerConfig again;
  const Json all = config.ToJson();
  for (const auto& [table, settings] : all.items()) {
    for (const auto& [key, value] : settings.items()) {
      if (value.is_array()) continue;
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      if (text.empty()) continue;
      if (!again.Set(table + "." + key, text).ok()) std::abort();
    }
  }
  return 0;
}
