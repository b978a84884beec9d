#include "runtime/net/private_address.h"

#include <catch2/catch.hpp>

namespace hearth::net {

TEST_CASE("addresses that a stranger must not send us to are known") {
  for (const char* host : {"127.0.0.1",
                           "10.1.2.3",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.0.1",
                           "169.254.169.254",
                           "100.64.0.1",
                           "0.0.0.0",
                           "224.0.0.1",
                           "255.255.255.255",
                           "::1",
                           "::",
                           "fe80::1",
                           "fc00::1",
                           "fd12::1",
                           "ff02::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "64:ff9b::7f00:1",
                           "2002:7f00:1::",
                           "localhost"}) {
    CAPTURE(host);
    CHECK(IsPrivateHost(host));
  }
  for (const char* host :
       {"1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "192.169.0.1",
        "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "no-such-name.invalid"}) {
    CAPTURE(host);
    CHECK_FALSE(IsPrivateHost(host));
  }
}

}  // namespace hearth::net
