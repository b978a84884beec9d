#include "model/tokenizer/merge_table.h"

#include <catch2/catch.hpp>

namespace hearth::model {
namespace {

TEST_CASE("every merge is found, no other is") {
  constexpr int kCount = 5000;
  MergeTable table(kCount);
  for (int i = 0; i < kCount; ++i) table.Insert(i, i / 2, {static_cast<uint32_t>(i), 10 * i});
  for (int i = 0; i < kCount; ++i) {
    const MergeTable::Merge* const merge = table.Find(i, i / 2);
    REQUIRE(merge != nullptr);
    CHECK(merge->rank == static_cast<uint32_t>(i));
    CHECK(merge->result == 10 * i);
    CHECK(table.Find(i, i / 2 + 1) == nullptr);
  }
}

TEST_CASE("the first entry for a pair stays") {
  MergeTable table(2);
  table.Insert(1, 2, {0, 3});
  table.Insert(1, 2, {1, 4});
  CHECK(table.Find(1, 2)->result == 3);
  CHECK(MergeTable(0).Find(1, 2) == nullptr);
}

}  // namespace
}  // namespace hearth::model
