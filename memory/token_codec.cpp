#include "memory/token_codec.h"

#include <cassert>
#include <cstdint>
#include <limits>

namespace hearth::memory {

std::string EncodeTokens(std::span<const TokenId> ids) {
  std::string bytes;
  bytes.reserve(ids.size() * 2);
  for (const TokenId id : ids) {
    assert(id >= 0);
    auto rest = static_cast<uint32_t>(id);
    for (; rest >= 0x80; rest >>= 7) bytes += static_cast<char>(rest | 0x80);
    bytes += static_cast<char>(rest);
  }
  return bytes;
}

Status DecodeTokens(std::string_view bytes, std::vector<TokenId>& out) {
  uint64_t value = 0;
  int shift = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    value |= static_cast<uint64_t>(byte & 0x7Fu) << shift;
    shift += 7;
    const bool more = (byte & 0x80) != 0;
    const bool padded = !more && byte == 0 && shift > 7;
    if (value > std::numeric_limits<TokenId>::max() || padded || (more && shift > 28)) {
      return MakeError(ErrorCode::kInvalidArgument, "token ids: a number is out of range");
    }
    if (more) continue;
    out.push_back(static_cast<TokenId>(value));
    value = 0;
    shift = 0;
  }
  if (shift != 0) {
    return MakeError(ErrorCode::kInvalidArgument, "token ids: the last number is cut off");
  }
  return {};
}

}  // namespace hearth::memory
