// Private addresses: those that a stranger must not send us to (loopback, link-local, RFC 1918,
// carrier-grade NAT, unique local, multicast, unspecified), after the IANA special-purpose
// registries. IPv6 addresses that carry an IPv4 one are judged by that.
#pragma once

#include <string>

struct sockaddr;

namespace hearth::net {

// True for families other than IPv4 and IPv6 as well.
bool IsPrivateAddress(const sockaddr& address);
// Whether a name or a numeric address leads to a private address; false where it leads nowhere.
bool IsPrivateHost(const std::string& host);

}  // namespace hearth::net
