// room: http
// Any bytes as the head of a request: no HTTP, or a head whose path is decoded once and that the
// access rules judge. A head that does not name this machine never gets through.
#include <boost/asio/buffer.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "runtime/http/access_policy.h"
#include "runtime/http/beast/request_head.h"
#include "runtime/http/router.h"

using namespace hearth::http;

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

Router MakeRouter() {
  Router router;
  for (const char* path : {"/", "/v1/models", "/v1/models/", "/healthz"}) {
    router.Add({"GET", path, path, nullptr});
  }
  router.Add({"POST", "/v1/completions", "/v1/completions", nullptr});
  return router;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Router router = MakeRouter();
  static const AccessPolicy policy({.hosts = {"box.example"},
                                    .origins = {"http://app.example"},
                                    .tokens = {"0123456789abcdef"}});
  RequestParser parser;
  parser.header_limit(32 << 10);
  parser.body_limit(1 << 20);
  parser.eager(false);
  boost::system::error_code error;
  size_t used = 0;
  while (!error && !parser.is_header_done() && used < size) {
    const size_t taken = parser.put(boost::asio::buffer(data + used, size - used), error);
    if (taken == 0) break;
    used += taken;
  }
  if (error || !parser.is_header_done()) return 0;
  HttpRequest request;
  if (!TakeHead(parser.get(), request)) return 0;
  Check(request.path.starts_with('/'));
  for (const char c : request.path) Check(static_cast<unsigned char>(c) >= 0x20);
  for (const auto& [name, value] : request.headers) {
    for (const char c : name) Check(c < 'A' || c > 'Z');
  }
  std::string allowed;
  router.Find(request.method, request.path, allowed);
  const auto refusal = policy.Check(request);
  if (refusal) {
    Check(refusal->status >= 400 && refusal->status < 500 && refusal->why.size() < 1000);
  } else {
    Check(request.CountHeader("host") == 1);
    const bool open = request.path == "/healthz" || request.path == "/readyz" ||
                      AccessPolicy::IsPreflight(request);
    const std::string given =
        std::string(request.Header("authorization")) + std::string(request.Header("x-api-key"));
    Check(open || given.find("0123456789abcdef") != std::string::npos);
  }
  for (const auto& [name, value] : policy.CorsHeaders(request)) {
    // What a header repeats must not end it.
    Check(value.find_first_of("\r\n") == std::string::npos);
  }
  return 0;
}
