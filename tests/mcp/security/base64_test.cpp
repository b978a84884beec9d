#include "mcp/security/base64.h"

#include <catch2/catch.hpp>

namespace hearth::mcp {

TEST_CASE("base64 of RFC 4648's examples, there and back") {
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : examples) {
    CHECK(Base64(plain) == coded);
    CHECK(DecodeBase64(coded) == plain);
    CHECK(DecodeBase64(Base64Url(plain)) == plain);
  }
  CHECK(Base64("\xFB\xFF") == "+/8=");
  CHECK(Base64Url("\xFB\xFF") == "-_8");
  CHECK(DecodeBase64("-_8") == "\xFB\xFF");
  CHECK_FALSE(DecodeBase64("a").has_value());
  CHECK_FALSE(DecodeBase64("a!bc").has_value());
}

}  // namespace hearth::mcp
