#include "runtime/main/check_output.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/memory/temp_directory.h"

namespace hearth::main {
namespace {

TEST_CASE("a file is replaced only where that was asked for") {
  const TempDirectory temp;
  const std::string path = (temp / "out.gguf").string();
  CHECK(CheckOutput(path, false).ok());
  std::ofstream(path) << "precious";
  const Status refused = CheckOutput(path, false);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kInvalidArgument);
  CHECK_THAT(refused.error().message, Catch::Contains("--force"));
  CHECK(CheckOutput(path, true).ok());
  const Status nowhere = CheckOutput((temp / "slip/out.gguf").string(), true);
  REQUIRE_FALSE(nowhere.ok());
  CHECK(nowhere.error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace hearth::main
