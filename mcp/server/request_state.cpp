#include "mcp/server/request_state.h"

#include <chrono>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/security/base64.h"
#include "mcp/security/sha256.h"
#include "runtime/base/ids.h"

namespace hearth::mcp {
namespace {

constexpr std::chrono::minutes kValid{10};
constexpr size_t kMaxBytes = 256 << 10;

std::string Binding(std::string_view principal, std::string_view request) {
  const Digest digest = Sha256(Concat(principal.size(), ":", principal, request));
  return Base64Url(AsText(digest));
}

}  // namespace

RequestSealer::RequestSealer(const Clock& clock) : clock_(clock), key_(RandomHex(32)) {}

std::string RequestSealer::Seal(std::string_view principal, std::string_view request,
                                const Json& answers) const {
  const Json state = {{"for", Binding(principal, request)},
                      {"until", (clock_.Now() + kValid).time_since_epoch().count()},
                      {"round", RandomHex(4)},
                      {"answers", answers}};
  const std::string payload = Base64Url(WriteJson(state));
  return payload + "." + Base64Url(AsText(HmacSha256(key_, payload)));
}

Result<Json> RequestSealer::Open(std::string_view principal, std::string_view request,
                                 std::string_view state) const {
  const auto refuse = [](const char* why) {
    return MakeError(ErrorCode::kInvalidArgument, "requestState: ", why,
                     "; send the request again without it");
  };
  const size_t dot = state.find('.');
  if (state.size() > kMaxBytes || dot == std::string_view::npos) {
    return refuse("this is not one that was given out here");
  }
  const std::string_view payload = state.substr(0, dot);
  const std::string mac = Base64Url(AsText(HmacSha256(key_, payload)));
  if (!EqualsInConstantTime(mac, state.substr(dot + 1))) {
    return refuse("this is not one that was given out here");
  }
  const auto text = DecodeBase64(payload);
  if (!text) return refuse("it cannot be read");
  HEARTH_TRY(const Json content, ToJson(*text));
  if (content["for"] != Binding(principal, request)) {
    return refuse("it was given out for another request");
  }
  if (content["until"].get<int64_t>() < clock_.Now().time_since_epoch().count()) {
    return refuse("it is too old");
  }
  return content["answers"];
}

}  // namespace hearth::mcp
