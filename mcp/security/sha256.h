// SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104): for request states, pins and PKCE. Written out
// here because a library for it would double the start-up time of a server that answers in a
// millisecond.
#pragma once

#include <array>
#include <string_view>

namespace hearth::mcp {

using Digest = std::array<unsigned char, 32>;

Digest Sha256(std::string_view text);
Digest HmacSha256(std::string_view key, std::string_view text);

// Takes as long for any two texts of the same length.
bool EqualsInConstantTime(std::string_view a, std::string_view b);

std::string_view AsText(const Digest& digest);

}  // namespace hearth::mcp
