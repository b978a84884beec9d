// Router: which handler answers a method and a path.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/http/exchange.h"

namespace hearth::http {

struct Route {
  std::string method;
  std::string path;   // one that ends in "/" also stands for all paths below it
  std::string label;  // in metrics: bounded, whatever paths are asked for
  std::function<boost::asio::awaitable<void>(Exchange&)> handle;
};

class Router {
 public:
  void Add(Route route) { routes_.push_back(std::move(route)); }
  // Null where there is none; then `allowed` names the methods that the path has, if any.
  const Route* Find(const std::string& method, const std::string& path, std::string& allowed) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace hearth::http
