#include "runtime/net/proxy.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace hearth::net {
namespace {

std::string_view Variable(const Environment& environment, const char* lower, const char* upper) {
  for (const char* name : {lower, upper}) {
    const char* value = name == nullptr ? nullptr : environment(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

bool IsExcepted(const std::string& host, std::string_view list) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view entry = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (!entry.empty() && (entry.front() == ' ' || entry.front() == '.')) entry.remove_prefix(1);
    while (!entry.empty() && entry.back() == ' ') entry.remove_suffix(1);
    if (entry.empty()) continue;
    if (entry == "*" || host == entry) return true;
    if (host.size() > entry.size() && host.ends_with(entry) &&
        host[host.size() - entry.size() - 1] == '.') {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<std::optional<Url>> ProxyFor(const Url& url, const Environment& environment) {
  if (url.loopback()) return std::optional<Url>();
  if (IsExcepted(url.host, Variable(environment, "no_proxy", "NO_PROXY"))) {
    return std::optional<Url>();
  }
  std::string_view named = url.secure() ? Variable(environment, "https_proxy", "HTTPS_PROXY")
                                        : Variable(environment, "http_proxy", nullptr);
  if (named.empty()) named = Variable(environment, "all_proxy", "ALL_PROXY");
  if (named.empty()) return std::optional<Url>();
  const bool has_scheme = named.find("://") != std::string_view::npos;
  auto proxy = Url::Parse(has_scheme ? std::string(named) : Concat("http://", named));
  if (!proxy.ok() || proxy->secure()) {
    return MakeError(
        ErrorCode::kUnsupported,
        "the proxy that the environment names cannot be used; it must be http://HOST:PORT"
        " without a password (NO_PROXY lists hosts that are reached without it)");
  }
  return std::optional<Url>(*std::move(proxy));
}

}  // namespace hearth::net
