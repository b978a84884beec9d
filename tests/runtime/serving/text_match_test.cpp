#include "runtime/serving/text_match.h"

#include <catch2/catch.hpp>

using namespace hearth::serving;

TEST_CASE("a marker is found once no earlier or longer one can come") {
  const std::vector<std::string> markers = {"ab", "abc", "xabz"};
  constexpr size_t kNone = std::string_view::npos;
  struct Case {
    std::string_view text;
    size_t at, which, clear;
  };
  const Case cases[] = {
      {"..", kNone, 0, 2}, {"..a", kNone, 0, 2}, {"..ab", kNone, 0, 2},
      {"..abd", 2, 0, 2},  {"..abc", 2, 1, 2},   {".xab", kNone, 0, 1},
      {".xabc", 2, 1, 2},  {".xabz", 1, 2, 1},   {"ab.xab", 0, 0, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const FoundMarker found = FindFirst(c.text, markers);
    CHECK(found.at == c.at);
    CHECK(found.clear == c.clear);
    if (c.at != kNone) CHECK(found.which == c.which);
  }
  CHECK(FindFirst("..ab", markers, true).at == 2);
  CHECK(FindFirst(".xab", markers, true).at == 2);
  CHECK(FindFirst("..a", markers, true).at == kNone);
}

TEST_CASE("space may be missing or added, but not inside a word") {
  using Kind = TextMatch::Kind;
  const auto match = [](std::string_view text, std::string_view buffer) {
    return MatchText(text, buffer).kind;
  };
  CHECK(match("{\"name\": ", "{ \"name\" :x") == Kind::kYes);
  CHECK(match("{\"name\": ", "{\"na") == Kind::kMore);
  CHECK(match("{\"name\": ", "{\"na me\"") == Kind::kNo);
  CHECK(MatchText("a b\n", "ab\nc").used == 3);
  CHECK(match("a b", "a" + std::string(100, ' ') + "b") == Kind::kNo);
}
