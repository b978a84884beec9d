#include "model/cache/radix_cache.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <numeric>
#include <random>

#include "tests/model/cache/token_storage.h"

namespace hearth::model {
namespace {

using test::Computed;
using test::TokenStorage;

std::vector<TokenId> Range(TokenId first, size_t n) {
  std::vector<TokenId> tokens(n);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

struct Fixture {
  explicit Fixture(uint32_t n_blocks) : allocator(n_blocks), cache(allocator, storage) {}
  BlockAllocator allocator;
  TokenStorage storage;
  RadixCache cache;

  void Keep(const std::vector<TokenId>& tokens, RadixCache::Salt salt = 0) {
    BlockTable table = Computed(allocator, storage, tokens);
    cache.InsertEnded(salt, tokens, table);
  }
  uint32_t Share(const std::vector<TokenId>& tokens, BlockTable& table, RadixCache::Salt salt = 0) {
    const std::span<const TokenId> known(tokens);
    const uint32_t n = cache.Share(salt, known, 0, table);
    return cache.CopyTail(salt, known, n, table);
  }
};

TEST_CASE("a text that goes on with another gets all its tokens, the last block as a copy") {
  Fixture f(8);
  f.Keep(Range(0, 20));
  BlockTable taken(f.allocator);
  CHECK(f.Share(Range(0, 25), taken) == 20);
  REQUIRE(taken.blocks().size() == 2);
  CHECK(f.allocator.IsShared(taken.blocks()[0]));
  CHECK_FALSE(f.allocator.IsShared(taken.blocks()[1]));
  CHECK(f.storage.Holds(taken, Range(0, 20)));
  CHECK(f.cache.blocks() == 2);
}

TEST_CASE("a text that leaves another in the middle of a block copies the part they share") {
  Fixture f(8);
  f.Keep(Range(0, 40));
  std::vector<TokenId> prompt = Range(0, 60);
  prompt[37] = 999;
  BlockTable taken(f.allocator);
  CHECK(f.Share(prompt, taken) == 37);
  CHECK(taken.blocks().size() == 3);
  prompt.resize(37);
  CHECK(f.storage.Holds(taken, prompt));
}

TEST_CASE("blocks are shared while the text that fills them grows") {
  Fixture f(16);
  BlockTable first(f.allocator);
  const std::vector<TokenId> tokens = Range(0, 100);
  BlockTable second(f.allocator);
  uint32_t known = 0;
  for (uint32_t n = 10; n <= 100; n += 10) {
    f.storage.Compute(first, tokens, n - 10, n);
    f.cache.Insert(0, std::span(tokens).first(n), first);
    known = f.cache.Share(0, tokens, known, second);
    CHECK(known == n / kBlockTokens * kBlockTokens);
  }
  CHECK(f.storage.Holds(second, Range(0, 96)));
}

TEST_CASE("of equal blocks computed twice one is let go") {
  Fixture f(8);
  const std::vector<TokenId> tokens = Range(0, 32);
  BlockTable first = Computed(f.allocator, f.storage, tokens);
  BlockTable second = Computed(f.allocator, f.storage, tokens);
  CHECK(f.allocator.free() == 4);
  f.cache.Insert(0, tokens, first);
  f.cache.Insert(0, tokens, second);
  CHECK(f.allocator.free() == 6);
  CHECK(std::ranges::equal(first.blocks(), second.blocks()));
}

TEST_CASE("salts keep texts apart") {
  Fixture f(8);
  f.Keep(Range(0, 32), 1);
  BlockTable taken(f.allocator);
  CHECK(f.Share(Range(0, 40), taken, 2) == 0);
  CHECK(f.cache.Find(2, Range(0, 40)).tokens == 0);
  CHECK(f.cache.Find(1, Range(0, 40)).tokens == 32);
  CHECK(f.Share(Range(0, 40), taken, 1) == 32);
}

TEST_CASE("many salts come and go, and texts stay under their own") {
  Fixture f(16);
  const std::vector<TokenId> tokens = Range(0, 33);
  for (RadixCache::Salt salt = 0; salt < 5000; ++salt) {
    while (f.allocator.free() < 3) REQUIRE(f.cache.EvictOne());
    BlockTable taken(f.allocator);
    CHECK(f.Share(tokens, taken, salt) == 0);
    f.Keep(tokens, salt);
    if (salt > 0) CHECK(f.cache.Find(salt - 1, tokens).tokens == 32);
  }
}

TEST_CASE("what was used longest ago leaves first, and never what is in use") {
  Fixture f(16);
  f.Keep(Range(0, 32));
  f.Keep(Range(100, 32));
  f.Keep(Range(200, 32));
  BlockTable held(f.allocator);
  CHECK(f.Share(Range(100, 33), held) == 32);
  {
    BlockTable again(f.allocator);
    CHECK(f.Share(Range(0, 33), again) == 32);  // makes it the recent one
  }
  CHECK(f.cache.evictable() == 4);
  CHECK(f.cache.Find(0, Range(100, 33)).held_blocks == 2);
  REQUIRE(f.cache.EvictOne());
  REQUIRE(f.cache.EvictOne());
  CHECK(f.cache.Find(0, Range(200, 33)).tokens == 0);
  CHECK(f.cache.Find(0, Range(0, 33)).tokens == 32);
  REQUIRE(f.cache.EvictOne());
  CHECK(f.cache.Find(0, Range(0, 33)).tokens == 16);  // from its end
  REQUIRE(f.cache.EvictOne());
  CHECK_FALSE(f.cache.EvictOne());
  CHECK(f.cache.Find(0, Range(100, 33)).tokens == 32);
  held.Clear();
  CHECK(f.cache.EvictOne());
  CHECK(f.cache.EvictOne());
  CHECK(f.allocator.free() == 16);
}

TEST_CASE("a longer end takes the place of a shorter one") {
  Fixture f(16);
  f.Keep(Range(0, 18));
  f.Keep(Range(0, 20));
  CHECK(f.cache.blocks() == 2);
  f.Keep(Range(0, 19));  // is known
  CHECK(f.cache.blocks() == 2);
  f.Keep(Range(0, 32));
  CHECK(f.cache.blocks() == 2);
}

TEST_CASE("a cache that ends gives its blocks back") {
  BlockAllocator allocator(8);
  TokenStorage storage;
  {
    RadixCache cache(allocator, storage);
    BlockTable table = Computed(allocator, storage, Range(0, 50));
    cache.InsertEnded(0, Range(0, 50), table);
  }
  CHECK(allocator.free() == 8);
}

// The twin keeps every text that was kept, and knows the longest beginning that any of them shares
// with a prompt. The storage remembers what each position was computed from, so what the cache
// hands over is held to the prompt itself; and a position that is written must be its sequence's
// own.
TEST_CASE("the cache finds what a list of all texts finds, and hands over the prompt's own KV") {
  std::mt19937 random(11);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (const bool evicts : {false, true}) {
    Fixture f(evicts ? 96 : 60000);
    std::vector<std::pair<RadixCache::Salt, std::vector<TokenId>>> kept;
    size_t reused = 0;
    for (int round = 0; round < 3000; ++round) {
      const RadixCache::Salt salt = below(8) == 0;
      // Prompts of two words differ late and often continue each other.
      std::vector<TokenId> prompt(1 + below(70));
      TokenId word = 0;
      for (TokenId& token : prompt) {
        if (below(24) == 0) word = 1;
        token = word;
      }
      BlockTable table(f.allocator);
      const uint32_t n = f.Share(prompt, table, salt);
      REQUIRE(table.blocks().size() == BlockTable::BlocksFor(n));
      size_t longest = 0;
      for (const auto& [other, text] : kept) {
        if (other != salt) continue;
        const auto ends = std::ranges::mismatch(text, prompt);
        longest = std::max(longest, static_cast<size_t>(ends.in1 - text.begin()));
      }
      if (evicts) {
        REQUIRE(n <= longest);
      } else {
        REQUIRE(n == longest);
      }
      reused += n;
      REQUIRE(f.storage.Holds(table, std::span(prompt).first(n)));
      const auto length = static_cast<uint32_t>(n + below(prompt.size() - n + 1));
      while (!table.Reserve(length)) REQUIRE(f.cache.EvictOne());
      for (uint32_t p = n; p < length; ++p) {
        REQUIRE_FALSE(f.allocator.IsShared(table.blocks()[p / kBlockTokens]));
        f.storage.Compute(table, prompt, p, p + 1);
        if (below(16) == 0) f.cache.Insert(salt, std::span(prompt).first(p + 1), table);
      }
      prompt.resize(length);
      f.cache.InsertEnded(salt, prompt, table);
      REQUIRE(f.storage.Holds(table, prompt));
      table.Clear();
      kept.emplace_back(salt, std::move(prompt));
      REQUIRE(f.allocator.free() + f.cache.blocks() == f.allocator.capacity());
      REQUIRE(f.cache.evictable() == f.cache.blocks());
    }
    CHECK(reused > 10000);
    while (f.cache.EvictOne()) {
    }
    CHECK(f.allocator.free() == f.allocator.capacity());
  }
}

}  // namespace
}  // namespace hearth::model
