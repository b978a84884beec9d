#include "runtime/base/progress.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

namespace hearth {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Runs ten updates of ten percent each, `pace` apart, and returns what was written.
std::string Written(milliseconds pace, bool terminal, uint64_t total = 100) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  FakeClock clock;
  {
    Progress progress("loading", total, clock, {out, terminal, false});
    for (uint64_t done = 10; done <= 100; done += 10) {
      clock.Advance(pace);
      progress.Update(done);
    }
  }
  std::fclose(out);
  std::string written(text, size);
  std::free(text);
  return written;
}

size_t Count(const std::string& text, const std::string& piece) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(piece, at)) != std::string::npos; at += piece.size()) ++count;
  return count;
}

TEST_CASE("what is quick shows nothing") {
  CHECK(Written(milliseconds(90), true).empty());
  CHECK(Written(milliseconds(90), false).empty());
}

TEST_CASE("a terminal gets a bar, redrawn in place") {
  const std::string text = Written(seconds(1), true);
  CHECK(Count(text, "\n") == 1);
  CHECK(text.find("[############............] 50% (50/100, 5.0 s)") != std::string::npos);
  CHECK(text.ends_with("100% (100/100, 10.0 s)\n"));
  // Ten updates 110 ms apart fall on one drawing past the first second and the last.
  CHECK(Count(Written(milliseconds(110), true), "\r") == 2);
}

TEST_CASE("a pipe gets few plain lines") {
  const std::string text = Written(seconds(4), false);
  CHECK(Count(text, "\n") == 5);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.starts_with("loading 10% (10/100, 4.0 s)\nloading 40% (40/100, 16.0 s)\n"));
}

TEST_CASE("without a total only the count is shown") {
  CHECK(Written(seconds(4), false, 0).starts_with("loading (10, 4.0 s)\n"));
}

}  // namespace
}  // namespace hearth
