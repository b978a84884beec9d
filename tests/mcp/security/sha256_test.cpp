#include "mcp/security/sha256.h"

#include <catch2/catch.hpp>
#include <string>

namespace hearth::mcp {
namespace {

std::string Hex(const Digest& digest) {
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace

TEST_CASE("SHA-256 of FIPS 180-4's examples and of every length around a block") {
  CHECK(Hex(Sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Hex(Sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Hex(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(Hex(Sha256(std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  // The digests of 55, 56, 63, 64 and 65 times 'a', hashed together, as Python's hashlib has them.
  std::string together;
  for (const size_t length : {55, 56, 63, 64, 65})
    together += Hex(Sha256(std::string(length, 'a')));
  CHECK(Hex(Sha256(together)) ==
        "60b40376396246f155671caf16e862539d02c3defb7a457887efb0f2d2b87471");
}

TEST_CASE("HMAC-SHA-256 of RFC 4231's examples") {
  CHECK(Hex(HmacSha256(std::string(20, '\x0b'), "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(Hex(HmacSha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(Hex(HmacSha256(std::string(131, '\xaa'),
                       "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("comparison in constant time compares") {
  CHECK(EqualsInConstantTime("abc", "abc"));
  CHECK_FALSE(EqualsInConstantTime("abc", "abd"));
  CHECK_FALSE(EqualsInConstantTime("abc", "ab"));
}

}  // namespace hearth::mcp
