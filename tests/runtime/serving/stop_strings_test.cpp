#include "runtime/serving/stop_strings.h"

#include <catch2/catch.hpp>
#include <optional>

namespace hearth::serving {
namespace {

// The naive twin: the whole text at once.
std::string CutAt(const std::string& text, const std::vector<std::string>& stops) {
  size_t first = std::string::npos;
  for (const std::string& stop : stops) {
    if (!stop.empty()) first = std::min(first, text.find(stop));
  }
  return text.substr(0, first);
}

TEST_CASE("a text ends before its first stop string, however it is cut") {
  struct Case {
    std::string text;
    std::vector<std::string> stops;
  };
  const Case cases[] = {
      {"one two three", {"two"}},
      {"one two three", {"three", "ne"}},
      {"aaab", {"aab"}},
      {"ababac", {"abac"}},
      {"no stop here", {"STOP", ""}},
      {"ends with st", {"stop"}},
      {"stop", {"stop"}},
      {"xxstopsto", {"stopstop", "sto"}},
      {"a\xc3\xa9 b", {"\xc3\xa9"}},
      {"", {"a"}},
      {"abcabd", {"abcabe", "cabd"}},
  };
  for (const Case& c : cases) {
    const std::string expected = CutAt(c.text, c.stops);
    CAPTURE(c.text, c.stops);
    for (size_t first = 0; first <= c.text.size(); ++first) {
      for (size_t second = first; second <= c.text.size(); ++second) {
        StopStrings stops(c.stops);
        std::string shown = stops.Push(std::string_view(c.text).substr(0, first));
        CHECK(expected.starts_with(shown));  // nothing is shown that would have to be taken back
        shown += stops.Push(std::string_view(c.text).substr(first, second - first));
        shown += stops.Push(std::string_view(c.text).substr(second));
        const bool stopped = stops.stopped();
        shown += stops.Flush();
        CHECK(shown == expected);
        CHECK(stopped == (expected.size() < c.text.size()));
      }
    }
  }
}

}  // namespace
}  // namespace hearth::serving
