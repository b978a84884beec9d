#include "model/gguf/split_name.h"

#include <catch2/catch.hpp>

namespace hearth::model {
namespace {

TEST_CASE("split names are taken apart and put together") {
  const auto name = ParseSplitName("/models/big-model-00002-of-00010.gguf");
  REQUIRE(name.has_value());
  CHECK(name->prefix == "/models/big-model");
  CHECK(name->number == 2);
  CHECK(name->count == 10);
  CHECK(SplitPath(name->prefix, 1, name->count) == "/models/big-model-00001-of-00010.gguf");
}

TEST_CASE("other names are no split names") {
  for (const char* text :
       {"", ".gguf", "model.gguf", "m-0001-of-00002.gguf", "m-00001-of-00002.bin",
        "m00001-of-00002.gguf", "m-0000x-of-00002.gguf", "-of-00002.gguf"}) {
    INFO(text);
    CHECK_FALSE(ParseSplitName(text).has_value());
  }
}

}  // namespace
}  // namespace hearth::model
