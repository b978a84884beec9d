// Built only where the sentencepiece library is absent (tests/CMakeLists.txt).
#include <catch2/catch.hpp>

#include "tests/support/spm_file.h"

namespace hearth::model {
namespace {

TEST_CASE("a build without sentencepiece says so and names the package") {
  const auto refused = test::SpmFile{.pieces = {"a"}}.Create();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnsupported);
  CHECK(refused.error().message.find("libsentencepiece-dev") != std::string::npos);
}

}  // namespace
}  // namespace hearth::model
