// Base64 (RFC 4648): the standard alphabet with padding, and the URL-safe one without.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hearth::mcp {

std::string Base64(std::string_view bytes);
std::string Base64Url(std::string_view bytes);
// Either alphabet, with padding or without; nothing for other characters or a length that cannot
// be.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace hearth::mcp
