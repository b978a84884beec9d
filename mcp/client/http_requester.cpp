#include "mcp/client/http_requester.h"

#include <strings.h>

#include <algorithm>

namespace hearth::mcp {
namespace {

constexpr int kMostChallenges = 2;  // of one request: one to get in, one for more scope

// A server may send several; joined they mean the same (RFC 9110, section 11.6.1).
std::string Challenges(const net::HttpHead& head) {
  std::string all;
  for (const auto& [name, value] : head.headers) {
    if (name == "www-authenticate") all += (all.empty() ? "" : ", ") + value;
  }
  return all;
}

bool AsksForAuthorization(const net::HttpHead& head) {
  if (head.status == 401) return true;
  return head.status == 403 && Challenges(head).find("insufficient_scope") != std::string::npos;
}

}  // namespace

Result<net::HttpHead> HttpRequester::Send(const Call& call, const net::HttpLimits& limits,
                                          const net::HttpSink& sink, std::stop_token stop) {
  net::HttpRequest request{call.method, call.url, call.headers, call.body};
  request.headers.insert(request.headers.end(), headers_.begin(), headers_.end());
  // An entry's own Authorization header is the user's word; nothing is negotiated then.
  const bool own = std::ranges::any_of(headers_, [](const auto& header) {
    return ::strcasecmp(header.first.c_str(), "authorization") == 0;
  });
  Authorizer* const authorizer = own ? nullptr : authorizer_;
  const size_t plain = request.headers.size();
  for (int challenges = 0;; ++challenges) {
    const std::string header = authorizer == nullptr ? std::string() : authorizer->Header();
    request.headers.resize(plain);
    if (!header.empty()) request.headers.emplace_back("Authorization", header);
    const bool may_ask = authorizer != nullptr && challenges < kMostChallenges;
    const net::HttpSink shown = [&](const net::HttpHead& head, std::string_view piece) {
      if (may_ask && AsksForAuthorization(head)) return false;
      return sink(head, piece);
    };
    HEARTH_TRY(net::HttpHead head, http_.Stream(request, limits, shown, stop));
    if (!may_ask || !AsksForAuthorization(head)) return head;
    HEARTH_CHECK_OK(authorizer->Challenge(header, head.status, Challenges(head), stop));
  }
}

}  // namespace hearth::mcp
