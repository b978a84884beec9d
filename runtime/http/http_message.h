// HttpRequest and HttpResponse: plain values, so that everything but the listener is free of
// sockets.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  std::string path;   // percent-decoded; the query is cut off
  std::string query;  // as it came, without the question mark
  Headers headers;    // names in lower case
  std::string body;
  bool local_socket = false;  // came over a Unix socket, which no browser and no network reaches

  // The first value of a header by its lower-case name; empty where there is none.
  std::string_view Header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
  size_t CountHeader(std::string_view name) const {
    size_t count = 0;
    for (const auto& header : headers) count += header.first == name;
    return count;
  }
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  Headers headers;  // further ones
};

}  // namespace hearth::http
