#include "runtime/base/text.h"

#include <catch2/catch.hpp>
#include <string>

namespace hearth {
namespace {

TEST_CASE("width is counted in columns") {
  CHECK(DisplayWidth("abc") == 3);
  CHECK(DisplayWidth("é") == 1);
  CHECK(DisplayWidth("e\u0301") == 1);
  CHECK(DisplayWidth("漢字") == 4);
  CHECK(DisplayWidth("😀") == 2);
  CHECK(DisplayWidth("\xFF") == 1);
}

TEST_CASE("one line cannot play with the terminal") {
  CHECK(OneLine("a\r\n\tb") == "a b");
  CHECK(OneLine("\x1b[31mred\x1b]0;title\x07") == "\uFFFD[31mred\uFFFD]0;title\uFFFD");
  CHECK(OneLine("a\u009B2Jb\u202Ec\x7F") == "a\uFFFD2Jb\uFFFDc\uFFFD");
  CHECK(OneLine("p\u2028q") == "p q");
  CHECK(OneLine("\xC3(") == "\uFFFD(");
}

TEST_CASE("clipping keeps whole characters") {
  CHECK(Clip("abcdef", 6) == "abcdef");
  CHECK(Clip("abcdef", 4) == "abc…");
  CHECK(Clip("漢字漢字", 4) == "漢…");
  CHECK(Clip("abc", 1) == "…");
  CHECK(Clip("abc", 0).empty());
}

TEST_CASE("columns stay aligned whatever stands in them") {
  TextTable table({"ID", "TITLE", "DUE"});
  table.Add({"1", "漢字", "2026-01-01"});
  table.Add({"12", "caf\u00E9\nau lait", ""});
  CHECK(table.Render() ==
        "ID  TITLE         DUE\n"
        "1   漢字          2026-01-01\n"
        "12  caf\u00E9 au lait\n");
}

TEST_CASE("the elastic column gives way") {
  TextTable table({"ID", "TITLE", "DUE"});
  table.Add({"1", std::string(60, 'x'), "2026-01-01"});
  CHECK(table.Render(40, 1) ==
        "ID  TITLE                     DUE\n"
        "1   xxxxxxxxxxxxxxxxxxxxxxx…  2026-01-01\n");
  CHECK(table.Render(10, 1).find("xxxxxxxxxxxxxxx…") != std::string::npos);
}

}  // namespace
}  // namespace hearth
