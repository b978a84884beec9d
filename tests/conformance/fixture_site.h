// FixtureSite: a web server with nothing but an MCP endpoint and the daemon's access rules.
#pragma once

#include <memory>

#include "mcp/http_endpoint.h"
#include "runtime/http/access_policy.h"
#include "runtime/http/listener.h"
#include "runtime/http/router.h"

namespace hearth::mcp::fixture {

class FixtureSite : public http::Site {
 public:
  // The endpoint must outlive the site.
  explicit FixtureSite(HttpEndpoint& endpoint);
  // A route that answers nothing but a fixed body: what any web server costs.
  void AddNull();

  std::optional<http::HttpResponse> Admit(const http::HttpRequest& head) override;
  boost::asio::awaitable<void> Handle(http::Exchange& exchange) override;
  http::HttpResponse Refuse(int status, const std::string& why) override;
  http::Headers CommonHeaders(const http::HttpRequest&) override { return {}; }
  void Answered(const http::HttpRequest&, int, double) override {}

 private:
  http::Router router_;
  const http::AccessPolicy access_{http::AccessRules{}};
};

}  // namespace hearth::mcp::fixture
