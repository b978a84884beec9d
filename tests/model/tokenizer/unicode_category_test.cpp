#include "model/tokenizer/unicode_category.h"

#include <catch2/catch.hpp>

namespace hearth::model {
namespace {

TEST_CASE("categories of chosen code points") {
  CHECK(CategoryOf('A') == Category::kLu);
  CHECK(CategoryOf('z') == Category::kLl);
  CHECK(CategoryOf('_') == Category::kPc);
  CHECK(CategoryOf('$') == Category::kSc);
  CHECK(CategoryOf(0x01c5) == Category::kLt);
  CHECK(CategoryOf(0x02b0) == Category::kLm);
  CHECK(CategoryOf(0x0301) == Category::kMn);
  CHECK(CategoryOf(0x0903) == Category::kMc);
  CHECK(CategoryOf(0x0661) == Category::kNd);
  CHECK(CategoryOf(0x2160) == Category::kNl);
  CHECK(CategoryOf(0x00bd) == Category::kNo);
  CHECK(CategoryOf(0x4e00) == Category::kLo);
  CHECK(CategoryOf(0x9fa5) == Category::kLo);
  CHECK(CategoryOf(0xd800) == Category::kCs);
  CHECK(CategoryOf(0xe000) == Category::kCo);
  CHECK(CategoryOf(0xfffd) == Category::kSo);
  CHECK(CategoryOf(0x1f389) == Category::kSo);
  CHECK(CategoryOf(0x20000) == Category::kLo);
  CHECK(CategoryOf(0x10ffff) == Category::kCn);
  CHECK(CategoryOf(0xffffffff) == Category::kCn);
}

TEST_CASE("white space is the property of that name") {
  int count = 0;
  for (uint32_t c = 0; c < 0x110000; ++c) count += IsWhiteSpace(c, CategoryOf(c)) ? 1 : 0;
  CHECK(count == 25);
  for (const uint32_t c : {0x09u, 0x20u, 0x85u, 0xa0u, 0x2028u, 0x3000u})
    CHECK(IsWhiteSpace(c, CategoryOf(c)));
  CHECK_FALSE(IsWhiteSpace(0x200b, CategoryOf(0x200b)));
}

}  // namespace
}  // namespace hearth::model
