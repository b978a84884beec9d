#include "mcp/client/tool_names.h"

#include <map>

#include "mcp/security/sha256.h"

namespace hearth::mcp {
namespace {

constexpr size_t kLongest = 64;
constexpr size_t kHashDigits = 8;

std::string Sanitize(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '-';
    clean += allowed ? c : '_';
  }
  return clean;
}

std::string Hash(std::string_view server, std::string_view tool) {
  std::string key(server);
  key += '\0';
  key += tool;
  const Digest digest = Sha256(key);
  std::string digits;
  for (size_t i = 0; i < kHashDigits / 2; ++i) {
    digits += "0123456789abcdef"[digest[i] >> 4];
    digits += "0123456789abcdef"[digest[i] & 15];
  }
  return digits;
}

}  // namespace

std::vector<std::string> NameTools(std::string_view server, const std::vector<std::string>& tools) {
  std::vector<std::string> names;
  std::map<std::string, int> uses;
  for (const std::string& tool : tools) {
    names.push_back(Sanitize(server) + "__" + Sanitize(tool));
    ++uses[names.back()];
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].size() <= kLongest && uses[names[i]] == 1) continue;
    names[i] = names[i].substr(0, kLongest - kHashDigits - 1) + "_" + Hash(server, tools[i]);
  }
  return names;
}

}  // namespace hearth::mcp
