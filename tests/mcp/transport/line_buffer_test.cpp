#include "mcp/transport/line_buffer.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

namespace hearth::mcp {
namespace {

// Feeds the bytes in pieces of the given size; long lines show as "!".
std::vector<std::string> Cut(const std::string& bytes, size_t piece, size_t limit) {
  LineBuffer buffer(limit);
  std::vector<std::string> lines;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    const size_t count = std::min(piece, bytes.size() - at);
    std::memcpy(buffer.Prepare(count), bytes.data() + at, count);
    buffer.Commit(count);
    std::string_view line;
    for (;;) {
      const auto kind = buffer.Next(line);
      if (kind == LineBuffer::Kind::kNone) break;
      lines.emplace_back(kind == LineBuffer::Kind::kLine ? std::string(line) : "!");
    }
  }
  return lines;
}

}  // namespace

TEST_CASE("lines are the same however the bytes arrive") {
  const std::string bytes = "one\ntwo\r\n\n" + std::string(40, 'x') + "\nlast\nunended";
  const std::vector<std::string> expected = {"one", "two", "", "!", "last"};
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    INFO(piece);
    CHECK(Cut(bytes, piece, 20) == expected);
  }
}

TEST_CASE("a line of the limit passes, one byte more does not") {
  CHECK(Cut(std::string(20, 'a') + "\n", 7, 20) == std::vector<std::string>{std::string(20, 'a')});
  CHECK(Cut(std::string(21, 'a') + "\nb\n", 100, 20) == std::vector<std::string>{"!", "b"});
}

TEST_CASE("an endless line costs no more than the limit") {
  LineBuffer buffer(1000);
  size_t too_long = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::memset(buffer.Prepare(500), 'x', 500);
    buffer.Commit(500);
    std::string_view line;
    while (buffer.Next(line) == LineBuffer::Kind::kTooLong) ++too_long;
    REQUIRE(buffer.room() < 10'000);
  }
  CHECK(too_long == 1);
}

}  // namespace hearth::mcp
