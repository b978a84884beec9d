// HttpClient: HTTP/1.1 requests over TCP or TLS, on the thread that asks.
//
// Every wait has an end and can be stopped; heads and bodies have limits. Certificates are always
// checked. A redirect is followed within its origin alone: headers such as Authorization never
// reach a server that they were not meant for. After RFC 9110 and 9112.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/base/paths.h"
#include "runtime/net/url.h"

namespace hearth::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  Url url;
  HttpHeaders
      headers;  // beside Host, Content-Length, User-Agent and Accept-Encoding, which are ours
  std::string body;
  bool follow = true;  // false: a redirect is an answer like any other
};

struct HttpHead {
  int status = 0;
  HttpHeaders headers;  // names in lower case, in the order in which they came

  // The first header of that name (in lower case); empty where there is none.
  std::string_view Find(std::string_view name) const;
  // The media type in lower case, without parameters.
  std::string content_type() const;
};

struct HttpResponse {
  HttpHead head;
  std::string body;
};

struct HttpLimits {
  std::chrono::milliseconds connect{10'000};   // TCP and TLS
  std::chrono::milliseconds silence{60'000};   // from one byte to the next
  std::chrono::milliseconds longest{600'000};  // for all of it
  size_t max_head = size_t{64} << 10;
  size_t max_body = size_t{16} << 20;
};

struct HttpClientOptions {
  std::string certificates;  // a PEM file of certificates to trust beside the system's
  // Never connect to private addresses, whatever their name. A proxy has rules of its own.
  bool public_only = false;
  Environment environment = ::getenv;  // where proxies are named (proxy.h)
};

// Called when the head has come (with an empty piece), then with pieces of the body. False ends the
// exchange.
using HttpSink = std::function<bool(const HttpHead& head, std::string_view piece)>;

// Thread-safe. Keeps a few idle connections for the next request. A request is never sent twice.
class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options = {});
  ~HttpClient();

  // The whole response, whatever its status. Errors name the host: kIo (cannot be reached,
  // certificate, broken off, not HTTP), kResourceExhausted (time, size), kCancelled, kUnsupported
  // (it sends us to another origin).
  Result<HttpResponse> Fetch(const HttpRequest& request, const HttpLimits& limits = {},
                             std::stop_token stop = {});
  // The body piece by piece, as long as it comes.
  Result<HttpHead> Stream(const HttpRequest& request, const HttpLimits& limits,
                          const HttpSink& sink, std::stop_token stop = {});

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::net
