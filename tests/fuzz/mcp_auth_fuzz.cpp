// room: mcp
// What servers say about authorization: challenges, metadata, answers of a browser. An accepted
// answer carries the request's own state.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mcp/auth/authorization_request.h"
#include "mcp/auth/challenge.h"
#include "mcp/auth/metadata.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const mcp::Challenge& challenge : mcp::ParseChallenges(text)) {
    if (challenge.scheme.empty()) std::abort();
    for (const auto& [name, value] : challenge.parameters) {
      if (name.empty() || value.size() > size) std::abort();
    }
  }
  const auto resource = mcp::ReadResourceMetadata(text);
  const auto server = net::Url::Parse("https://example.com/mcp");
  if (resource.ok() && mcp::Covers(resource->resource, *server) &&
      net::Url::Parse(resource->resource)->origin() != "https://example.com") {
    std::abort();
  }
  (void)mcp::ReadAuthServerMetadata(text).ok();
  mcp::AuthorizationRequest request;
  request.state = "state";
  if (request.TakeCode({.issuer = "https://example.com"}, text).ok() &&
      text.find("st") == std::string_view::npos && text.find('%') == std::string_view::npos) {
    std::abort();
  }
  if (const auto url = net::Url::Parse(text); url.ok()) {
    const auto again = net::Url::Parse(url->ToString());
    if (!again.ok() || again->origin() != url->origin() || again->target != url->target) {
      std::abort();
    }
  }
  return 0;
}
