#include "runtime/net/private_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace hearth::net {
namespace {

using Bytes = std::span<const unsigned char>;

struct Block {
  std::array<unsigned char, 4> first;
  int bits;
};

constexpr Block kBlocks4[] = {
    {{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},    {{100, 64, 0, 0}, 10}, {{127, 0, 0, 0}, 8},
    {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12}, {{192, 0, 0, 0}, 24},  {{192, 168, 0, 0}, 16},
    {{198, 18, 0, 0}, 15},  {{224, 0, 0, 0}, 3},
};

bool IsIn(Bytes address, const Block& block) {
  for (int bit = 0; bit < block.bits; bit += 8) {
    const int in_byte = std::min(8, block.bits - bit);
    const int mask = 0xFF & (0xFF << (8 - in_byte));
    const auto byte = static_cast<size_t>(bit / 8);
    if ((address[byte] & mask) != (block.first[byte] & mask)) return false;
  }
  return true;
}

bool IsPrivate4(Bytes address) {
  return std::ranges::any_of(kBlocks4, [&](const Block& block) { return IsIn(address, block); });
}

bool IsPrivate6(Bytes address) {
  const auto zeros = [&](size_t count) {
    return std::all_of(address.begin(), address.begin() + static_cast<long>(count),
                       [](unsigned char byte) { return byte == 0; });
  };
  if (zeros(10) && address[10] == 0xFF && address[11] == 0xFF)
    return IsPrivate4(address.subspan(12));
  if (zeros(12)) return true;  // unspecified, loopback, the old IPv4-compatible form
  if (address[0] == 0x00 && address[1] == 0x64 && address[2] == 0xFF && address[3] == 0x9B) {
    return IsPrivate4(address.subspan(12));  // NAT64
  }
  if (address[0] == 0x20 && address[1] == 0x02) return IsPrivate4(address.subspan(2, 4));  // 6to4
  return (address[0] & 0xFE) == 0xFC ||                          // unique local
         (address[0] == 0xFE && (address[1] & 0x80) == 0x80) ||  // link-local, site-local
         address[0] == 0xFF;                                     // multicast
}

}  // namespace

bool IsPrivateAddress(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in in = {};
    std::memcpy(&in, &address, sizeof in);
    return IsPrivate4({reinterpret_cast<const unsigned char*>(&in.sin_addr), 4});
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 in = {};
    std::memcpy(&in, &address, sizeof in);
    return IsPrivate6({in.sin6_addr.s6_addr, 16});
  }
  return true;
}

bool IsPrivateHost(const std::string& host) {
  const addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
  bool is_private = false;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    is_private |= IsPrivateAddress(*one->ai_addr);
  }
  ::freeaddrinfo(found);
  return is_private;
}

}  // namespace hearth::net
