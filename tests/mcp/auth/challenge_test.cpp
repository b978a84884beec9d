#include "mcp/auth/challenge.h"

#include <catch2/catch.hpp>

namespace hearth::mcp {

TEST_CASE("challenges are read in all their forms") {
  struct Case {
    const char* header;
    const char* scope;
    const char* metadata;
  };
  const Case cases[] = {
      {R"(Bearer)", "", ""},
      {R"(Bearer scope="a b", resource_metadata="https://x/y")", "a b", "https://x/y"},
      {R"(bearer Scope=a,RESOURCE_METADATA="https://x/y")", "a", "https://x/y"},
      {R"(Basic realm="a, Bearer scope=\"no\"", Bearer scope="yes")", "yes", ""},
      {R"(Negotiate YWJj==, Bearer scope = "a" , error="insufficient_scope")", "a", ""},
      {R"(Bearer scope="a \"quoted\" word)", "a \"quoted\" word", ""},
      {R"(,,, Bearer , scope="a")", "a", ""},
      {R"(Digest scope="not this one")", "", ""},
      {R"("stray" Bearer scope="a")", "a", ""},
      {"", "", ""},
  };
  for (const Case& one : cases) {
    CAPTURE(one.header);
    const Challenge challenge = BearerChallenge(one.header);
    CHECK(challenge.Find("scope") == one.scope);
    CHECK(challenge.Find("resource_metadata") == one.metadata);
  }
}

TEST_CASE("a flood of parameters is cut") {
  std::string header = "Bearer ";
  for (int i = 0; i < 100'000; ++i) header += "a=b,";
  CHECK(ParseChallenges(header)[0].parameters.size() < 100);
}

}  // namespace hearth::mcp
