// HttpRequester: HTTP requests to one MCP server, with the headers of its entry and with whatever
// its Authorizer has; a refusal for want of authorization is answered and the request sent again.
#pragma once

#include <stop_token>
#include <string>

#include "mcp/authorizer.h"
#include "mcp/client_transport.h"
#include "runtime/net/http_client.h"

namespace hearth::mcp {

// Thread-safe. What it is given must outlive it.
class HttpRequester {
 public:
  HttpRequester(net::HttpClient& http, net::Url url, ClientTransport::Headers headers,
                Authorizer* authorizer)
      : http_(http), url_(std::move(url)), headers_(std::move(headers)), authorizer_(authorizer) {}

  const net::Url& url() const { return url_; }

  struct Call {
    std::string method = "POST";
    net::Url url;
    net::HttpHeaders headers;
    std::string body;
  };
  // The sink hears of the last response alone.
  Result<net::HttpHead> Send(const Call& call, const net::HttpLimits& limits,
                             const net::HttpSink& sink, std::stop_token stop);

 private:
  net::HttpClient& http_;
  const net::Url url_;
  const ClientTransport::Headers headers_;
  Authorizer* const authorizer_;
};

}  // namespace hearth::mcp
