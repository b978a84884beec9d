#include "runtime/http/router.h"

namespace hearth::http {

const Route* Router::Find(const std::string& method, const std::string& path,
                          std::string& allowed) const {
  for (const Route& route : routes_) {
    const bool below = route.path.size() > 1 && route.path.ends_with('/') &&
                       path.size() > route.path.size() && path.starts_with(route.path);
    if (path != route.path && !below) continue;
    if (route.method == method || (route.method == "GET" && method == "HEAD")) return &route;
    allowed += (allowed.empty() ? "" : ", ") + route.method;
  }
  return nullptr;
}

}  // namespace hearth::http
