#include "tests/conformance/fixture_site.h"

#include "runtime/http/mcp.h"

namespace hearth::mcp::fixture {

FixtureSite::FixtureSite(HttpEndpoint& endpoint) { http::AddMcpRoutes(router_, endpoint); }

void FixtureSite::AddNull() {
  router_.Add({"POST", "/null", "/null", [](http::Exchange& exchange) {
                 http::HttpResponse response;
                 response.body = R"({"jsonrpc":"2.0","id":1,"result":{}})";
                 return exchange.Send(std::move(response));
               }});
}

std::optional<http::HttpResponse> FixtureSite::Admit(const http::HttpRequest& head) {
  if (auto refusal = access_.Check(head)) return Refuse(refusal->status, refusal->why);
  std::string allowed;
  if (router_.Find(head.method, head.path, allowed) != nullptr) return std::nullopt;
  if (allowed.empty()) return Refuse(404, "there is nothing at this path");
  http::HttpResponse response = Refuse(405, "use " + allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

boost::asio::awaitable<void> FixtureSite::Handle(http::Exchange& exchange) {
  std::string allowed;
  return router_.Find(exchange.request().method, exchange.request().path, allowed)
      ->handle(exchange);
}

http::HttpResponse FixtureSite::Refuse(int status, const std::string& why) {
  http::HttpResponse response;
  response.status = status;
  response.body = DumpJson(
      {{"jsonrpc", "2.0"}, {"id", nullptr}, {"error", {{"code", -32600}, {"message", why}}}});
  return response;
}

}  // namespace hearth::mcp::fixture
