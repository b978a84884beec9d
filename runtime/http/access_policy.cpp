#include "runtime/http/access_policy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/base/ids.h"

namespace hearth::http {
namespace {

constexpr size_t kShortestToken = 16;

std::string Lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// The host without port and brackets; empty where it is malformed.
std::string HostName(std::string_view value) {
  std::string host = Lower(value);
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string::npos) return "";
    const std::string_view port = std::string_view(host).substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return "";
    return host.substr(1, end - 1);
  }
  if (const size_t colon = host.find(':'); colon != std::string::npos) {
    if (host.find_first_not_of("0123456789", colon + 1) != std::string::npos) return "";
    host.resize(colon);
  }
  if (host.ends_with('.')) host.pop_back();
  return host;
}

bool IsAddress(const std::string& host) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// Takes as long for a wrong token as for a right one.
bool SameSecret(std::string_view a, std::string_view b) {
  unsigned char differs = a.size() != b.size();
  for (size_t i = 0; i < a.size(); ++i) {
    differs |= static_cast<unsigned char>(a[i] ^ (b.empty() ? 0 : b[i % b.size()]));
  }
  return differs == 0;
}

}  // namespace

bool IsLoopbackHost(std::string_view value) {
  const std::string host(value);
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  in_addr v4 = {};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6 = {};
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool AccessPolicy::HostIsOurs(std::string_view value) const {
  const std::string host = HostName(value);
  if (host.empty()) return false;
  if (IsLoopbackHost(host)) return true;
  if (rules_.on_network && IsAddress(host)) return true;
  return std::ranges::any_of(rules_.hosts,
                             [&](const std::string& listed) { return Lower(listed) == host; });
}

bool AccessPolicy::OriginIsListed(std::string_view origin) const {
  return std::ranges::any_of(rules_.origins, [&](const std::string& listed) {
    return listed == "*" || Lower(listed) == Lower(origin);
  });
}

bool AccessPolicy::HasToken(const HttpRequest& request) const {
  constexpr std::string_view kScheme = "bearer ";
  std::string_view given = request.Header("authorization");
  if (Lower(given.substr(0, kScheme.size())) == kScheme) {
    given.remove_prefix(kScheme.size());
  } else {
    given = request.Header("x-api-key");
  }
  if (given.empty()) return false;
  bool found = false;
  for (const std::string& token : rules_.tokens) found |= SameSecret(given, token);
  return found;
}

bool AccessPolicy::IsPreflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && request.CountHeader("access-control-request-method") > 0;
}

std::optional<AccessPolicy::Refusal> AccessPolicy::Check(const HttpRequest& request) const {
  if (!request.local_socket) {
    if (request.CountHeader("host") != 1) {
      return Refusal{400, "the request must have one Host header"};
    }
    const std::string_view host = request.Header("host");
    if (!HostIsOurs(host)) {
      return Refusal{403, Concat("the host '", host.substr(0, 100),
                                 "' is not this server's (protection against DNS rebinding); list "
                                 "it under server.allowed_hosts to allow it")};
    }
    if (request.CountHeader("origin") > 0) {
      const std::string_view origin = request.Header("origin");
      const bool own = Lower(origin) == "http://" + Lower(host);
      if (!own && !OriginIsListed(origin)) {
        return Refusal{403, Concat("web pages of '", origin.substr(0, 100),
                                   "' may not use this server; list the origin under "
                                   "server.allowed_origins to allow it")};
      }
    }
  }
  const bool open = request.path == "/healthz" || request.path == "/readyz" || IsPreflight(request);
  if (!rules_.tokens.empty() && !open && !HasToken(request)) {
    return Refusal{401, "a token is needed: Authorization: Bearer TOKEN"};
  }
  return std::nullopt;
}

Headers AccessPolicy::CorsHeaders(const HttpRequest& request) const {
  const std::string_view origin = request.Header("origin");
  if (origin.empty() || !OriginIsListed(origin)) return {};
  return {{"Access-Control-Allow-Origin", std::string(origin)},
          {"Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
          {"Access-Control-Allow-Headers", "Authorization, Content-Type, X-Api-Key"},
          {"Access-Control-Max-Age", "600"},
          {"Vary", "Origin"}};
}

Result<std::vector<std::string>> ReadTokens(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) {
    return MakeError(ErrorCode::kNotFound, path, ": ", std::strerror(errno));
  }
  if ((info.st_mode & 077) != 0) {
    return MakeError(ErrorCode::kInvalidArgument, path,
                     ": others may read this file of tokens; chmod 600 it");
  }
  std::ifstream file(path);
  std::vector<std::string> tokens;
  std::string line;
  while (std::getline(file, line)) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    line = line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
    if (line.size() < kShortestToken) {
      return MakeError(ErrorCode::kInvalidArgument, path, ": a token has fewer than ",
                       kShortestToken, " characters; make one with: hearth config make-token");
    }
    tokens.push_back(line);
  }
  if (tokens.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, path,
                     ": no token in it; make one with: hearth config make-token");
  }
  return tokens;
}

Result<std::string> MakeTokenFile(const std::string& path) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    return MakeError(errno == EEXIST ? ErrorCode::kConflict : ErrorCode::kIo, path, ": ",
                     std::strerror(errno));
  }
  const std::string token = RandomHex(32);
  const std::string line = token + "\n";
  const bool written = ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (::close(file) != 0 || !written) {
    return MakeError(ErrorCode::kIo, path, ": could not be written");
  }
  return token;
}

}  // namespace hearth::http
