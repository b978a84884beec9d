#include "model/cache/prefix_cache.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <numeric>
#include <random>

namespace hearth::model {
namespace {

std::vector<TokenId> Range(TokenId first, size_t n) {
  std::vector<TokenId> tokens(n);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

BlockTable Filled(BlockAllocator& allocator, size_t tokens) {
  BlockTable table(allocator);
  REQUIRE(table.Reserve(static_cast<uint32_t>(tokens)));
  return table;
}

TEST_CASE("a prompt that goes on with a sequence gets all its blocks") {
  BlockAllocator allocator(8);
  PrefixCache cache(4);
  BlockTable table = Filled(allocator, 20);
  const std::vector<BlockId> blocks(table.blocks().begin(), table.blocks().end());
  cache.Insert(Range(0, 20), std::move(table));
  BlockTable taken(allocator);
  CHECK(cache.Take(Range(0, 25), taken) == 20);
  CHECK(std::vector<BlockId>(taken.blocks().begin(), taken.blocks().end()) == blocks);
  CHECK(cache.size() == 0);
}

TEST_CASE("a prompt that leaves a sequence shares its full blocks") {
  BlockAllocator allocator(8);
  PrefixCache cache(4);
  cache.Insert(Range(0, 40), Filled(allocator, 40));
  std::vector<TokenId> prompt = Range(0, 60);
  prompt[37] = 999;
  BlockTable taken(allocator);
  CHECK(cache.Take(prompt, taken) == 32);
  CHECK(taken.blocks().size() == 2);
  CHECK(allocator.IsShared(taken.blocks()[0]));
  CHECK(cache.size() == 1);
}

TEST_CASE("the last token of a prompt is always computed") {
  BlockAllocator allocator(8);
  PrefixCache cache(4);
  cache.Insert(Range(0, 32), Filled(allocator, 32));
  BlockTable taken(allocator);
  const uint32_t n = cache.Take(Range(0, 32), taken);
  CHECK(n < 32);
  BlockTable one(allocator);
  CHECK(cache.Take(Range(0, 1), one) == 0);
  CHECK(cache.Take({}, one) == 0);
}

TEST_CASE("what was used longest ago leaves first") {
  BlockAllocator allocator(16);
  PrefixCache cache(2);
  cache.Insert(Range(0, 20), Filled(allocator, 20));
  cache.Insert(Range(100, 20), Filled(allocator, 20));
  std::vector<TokenId> prompt = Range(0, 20);
  prompt[19] = 999;
  {
    BlockTable taken(allocator);
    CHECK(cache.Take(prompt, taken) == 16);  // makes the first entry the recent one
  }
  cache.Insert(Range(200, 20), Filled(allocator, 20));
  BlockTable a(allocator);
  BlockTable b(allocator);
  CHECK(cache.Take(Range(100, 25), a) == 0);
  CHECK(cache.Take(Range(0, 25), b) == 20);
  CHECK(cache.EvictOne());
  CHECK_FALSE(cache.EvictOne());
}

TEST_CASE("a cache of no entries and a sequence of no tokens keep nothing") {
  BlockAllocator allocator(8);
  PrefixCache none(0);
  none.Insert(Range(0, 20), Filled(allocator, 20));
  PrefixCache cache(2);
  cache.Insert({}, Filled(allocator, 20));
  CHECK(none.size() + cache.size() == 0);
  CHECK(allocator.free() == 8);
}

// The twin is the memory behind the blocks: each position of a block remembers the whole beginning
// of the sequence that was computed there. What the cache hands over must spell the prompt, and a
// position that is going to be written must not lie in a block that someone else reads.
TEST_CASE("blocks that the cache hands over hold the prompt's own beginning") {
  std::mt19937 random(11);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  BlockAllocator allocator(96);
  PrefixCache cache(5);
  std::map<std::pair<BlockId, uint32_t>, std::vector<TokenId>> memory;
  size_t reused = 0;
  for (int round = 0; round < 5000; ++round) {
    // Prompts of two words differ late and often continue each other.
    std::vector<TokenId> prompt(1 + below(70));
    TokenId word = 0;
    for (TokenId& token : prompt) {
      if (below(24) == 0) word = 1;
      token = word;
    }
    BlockTable table(allocator);
    const uint32_t n = cache.Take(prompt, table);
    REQUIRE(n < prompt.size());
    REQUIRE(table.blocks().size() == BlockTable::BlocksFor(n));
    reused += n;
    for (uint32_t p = 0; p < n; ++p) {
      const std::vector<TokenId> expected(prompt.begin(), prompt.begin() + p + 1);
      REQUIRE(memory[{table.blocks()[p / kBlockTokens], p % kBlockTokens}] == expected);
    }
    const auto length = static_cast<uint32_t>(n + 1 + below(prompt.size() - n));
    while (!table.Reserve(length)) REQUIRE(cache.EvictOne());
    for (uint32_t p = n; p < length; ++p) {
      const BlockId block = table.blocks()[p / kBlockTokens];
      REQUIRE_FALSE(allocator.IsShared(block));
      memory[{block, p % kBlockTokens}].assign(prompt.begin(), prompt.begin() + p + 1);
    }
    // A cancelled sequence may end with nothing but what it was given.
    const uint32_t kept = below(8) == 0 ? n : length;
    table.Truncate(kept);
    prompt.resize(kept);
    cache.Insert(std::move(prompt), std::move(table));
    REQUIRE(cache.size() <= 5);
  }
  CHECK(reused > 10000);
  while (cache.EvictOne()) {
  }
  CHECK(allocator.free() == allocator.capacity());
}

}  // namespace
}  // namespace hearth::model
