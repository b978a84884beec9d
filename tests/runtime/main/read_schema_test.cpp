#include "runtime/main/read_schema.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/memory/temp_directory.h"

namespace hearth::main {
namespace {

TEST_CASE("a schema is checked when it is read, and an error names the file") {
  const TempDirectory temp;
  const std::string path = (temp / "schema.json").string();
  const auto read = [&](const char* text) {
    std::ofstream(path) << text;
    return ReadSchema(path);
  };
  CHECK(read(R"({"type": "object"})").ok());
  for (const char* bad :
       {"{", R"({"type": "strnig"})", R"({"minimum": 3, "maximum": 1, "type": "integer"})"}) {
    const auto schema = read(bad);
    CAPTURE(bad);
    REQUIRE_FALSE(schema.ok());
    CHECK_THAT(schema.error().message, Catch::StartsWith(path + ": "));
  }
  const auto missing = ReadSchema((temp / "nowhere").string());
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace hearth::main
