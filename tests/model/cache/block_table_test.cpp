#include "model/cache/block_table.h"

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <random>
#include <set>

namespace hearth::model {
namespace {

TEST_CASE("an allocator hands out each block once and says when there is none") {
  BlockAllocator allocator(4);
  std::set<BlockId> seen;
  for (int i = 0; i < 4; ++i) {
    const BlockId block = allocator.Allocate();
    CHECK(block >= 0);
    CHECK(block < 4);
    seen.insert(block);
  }
  CHECK(seen.size() == 4);
  CHECK(allocator.Allocate() == -1);
  CHECK(allocator.free() == 0);
  allocator.Release(2);
  CHECK(allocator.free() == 1);
  CHECK(allocator.Allocate() == 2);
}

TEST_CASE("a shared block is free once its last holder lets go") {
  BlockAllocator allocator(1);
  const BlockId block = allocator.Allocate();
  CHECK_FALSE(allocator.IsShared(block));
  allocator.Share(block);
  CHECK(allocator.IsShared(block));
  allocator.Release(block);
  CHECK_FALSE(allocator.IsShared(block));
  CHECK(allocator.free() == 0);
  allocator.Release(block);
  CHECK(allocator.free() == 1);
}

TEST_CASE("a table reserves all that it was asked for or nothing") {
  BlockAllocator allocator(3);
  BlockTable table(allocator);
  CHECK(table.Reserve(2 * kBlockTokens));
  CHECK(table.blocks().size() == 2);
  CHECK_FALSE(table.Reserve(4 * kBlockTokens));
  CHECK(table.blocks().size() == 2);
  CHECK(allocator.free() == 1);
  CHECK(table.Reserve(2 * kBlockTokens + 1));
  CHECK(table.blocks().size() == 3);
  CHECK(table.Reserve(1));  // never shrinks
  CHECK(table.blocks().size() == 3);
}

TEST_CASE("truncating keeps the block that holds the last token") {
  BlockAllocator allocator(4);
  BlockTable table(allocator);
  REQUIRE(table.Reserve(4 * kBlockTokens));
  const std::vector<BlockId> before(table.blocks().begin(), table.blocks().end());
  table.Truncate(kBlockTokens + 1);
  CHECK(std::vector<BlockId>(table.blocks().begin(), table.blocks().end()) ==
        std::vector<BlockId>(before.begin(), before.begin() + 2));
  table.Truncate(kBlockTokens);
  CHECK(table.blocks().size() == 1);
  table.Truncate(0);
  CHECK(allocator.free() == 4);
}

TEST_CASE("moving a table moves its blocks and frees what the target held") {
  BlockAllocator allocator(4);
  BlockTable a(allocator);
  BlockTable b(allocator);
  REQUIRE(a.Reserve(2 * kBlockTokens));
  REQUIRE(b.Reserve(2 * kBlockTokens));
  b = std::move(a);
  CHECK(b.blocks().size() == 2);
  CHECK(allocator.free() == 2);
  {
    const BlockTable c(std::move(b));
  }
  CHECK(allocator.free() == 4);
}

// The twin keeps the number of holders of each block by counting them in all tables.
void CheckAgainstTables(const BlockAllocator& allocator,
                        const std::vector<std::optional<BlockTable>>& tables) {
  std::map<BlockId, int> holders;
  for (const auto& table : tables) {
    if (!table) continue;
    for (const BlockId block : table->blocks()) ++holders[block];
  }
  REQUIRE(allocator.free() + holders.size() == allocator.capacity());
  for (const auto& [block, count] : holders) REQUIRE(allocator.IsShared(block) == (count > 1));
}

TEST_CASE("no block is lost or freed twice under random operations") {
  std::mt19937 random(7);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  BlockAllocator allocator(64);
  std::vector<std::optional<BlockTable>> tables(12);
  for (int round = 0; round < 20000; ++round) {
    auto& table = tables[below(tables.size())];
    if (!table) {
      table.emplace(allocator);
      const auto& other = tables[below(tables.size())];
      if (other && &other != &table && below(2) == 0) {
        const size_t blocks = below(other->blocks().size() + 1);
        for (size_t i = 0; i < blocks; ++i) table->SetShared(i, other->blocks()[i]);
      }
    } else {
      const auto tokens = static_cast<uint32_t>(below(12 * kBlockTokens));
      switch (below(6)) {
        case 0: {
          const size_t had = table->blocks().size();
          const size_t wanted = BlockTable::BlocksFor(tokens);
          const bool enough = wanted <= had || wanted - had <= allocator.free();
          REQUIRE(table->Reserve(tokens) == enough);
          REQUIRE(table->blocks().size() == (enough ? std::max(had, wanted) : had));
          break;
        }
        case 1:
          table->Truncate(tokens);
          break;
        case 2:
          table->Clear();
          break;
        case 3:
          table.reset();
          break;
        case 4: {  // one block gives way to another's
          const auto& other = tables[below(tables.size())];
          if (!other || other->blocks().empty() || table->blocks().empty()) break;
          const BlockId block = other->blocks()[below(other->blocks().size())];
          table->SetShared(below(table->blocks().size()), block);
          break;
        }
        default: {
          auto& other = tables[below(tables.size())];
          if (other && &other != &table) *other = std::move(*table);
        }
      }
    }
    if (round % 16 == 0) CheckAgainstTables(allocator, tables);
  }
  tables.clear();
  CHECK(allocator.free() == allocator.capacity());
}

}  // namespace
}  // namespace hearth::model
