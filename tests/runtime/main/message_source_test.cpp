#include "runtime/main/message_source.h"

#include <catch2/catch.hpp>

namespace hearth::main {
namespace {

TEST_CASE("a message of the command line is checked before it is used") {
  MessageSource good("Remind me, später", {});
  CHECK(good.Check().ok());
  CHECK(good.Next() == "Remind me, später");
  CHECK_FALSE(good.Next());

  const Status blank = MessageSource(" \n", {}).Check();
  REQUIRE_FALSE(blank.ok());
  CHECK_THAT(blank.error().message, Catch::Contains("nothing to do"));

  const Status bytes = MessageSource("caf\xe9", {}).Check();
  REQUIRE_FALSE(bytes.ok());
  CHECK(bytes.error().code == ErrorCode::kInvalidArgument);
  CHECK_THAT(bytes.error().message, Catch::Contains("UTF-8"));
}

}  // namespace
}  // namespace hearth::main
