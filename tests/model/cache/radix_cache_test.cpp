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
  explicit Fixture(uint32_t n_blocks, uint32_t host_blocks = 0, uint32_t of_them_there = UINT32_MAX)
      : allocator(n_blocks), storage(host_blocks, of_them_there), cache(allocator, storage) {}
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

TEST_CASE("what leaves the device comes back from the host when it is shared") {
  Fixture f(4, 8);
  f.Keep(Range(0, 52));  // three blocks and a part
  while (f.cache.EvictOne()) {
  }
  CHECK(f.allocator.free() == 4);
  CHECK(f.cache.blocks() == 0);
  CHECK(f.cache.spilled_blocks() == 4);
  CHECK(f.cache.Find(0, Range(0, 60)).tokens == 48);
  CHECK(f.cache.Find(0, Range(0, 60)).held_blocks == 0);
  BlockTable taken(f.allocator);
  CHECK(f.Share(Range(0, 60), taken) == 52);
  CHECK(f.storage.Holds(taken, Range(0, 52)));
  CHECK(f.cache.blocks() == 3);
  CHECK(f.cache.spilled_blocks() == 1);  // the part was copied to the table, and stays there
  CHECK(f.cache.counts().spilled == 4);
  CHECK(f.cache.counts().restored == 4);
  CHECK(f.cache.counts().lost == 0);
}

TEST_CASE("what came back leaves again without being copied") {
  Fixture f(2, 4);
  f.Keep(Range(0, 32));
  for (int turn = 0; turn < 3; ++turn) {
    while (f.cache.EvictOne()) {
    }
    BlockTable taken(f.allocator);
    CHECK(f.Share(Range(0, 33), taken) == 32);
    CHECK(f.storage.Holds(taken, Range(0, 32)));
  }
  CHECK(f.storage.saved == 2);
  CHECK(f.storage.restored == 6);
}

TEST_CASE("texts that do not fit together take turns, and none is lost while the host has room") {
  Fixture f(4, 9);  // a place more: one goes there before another comes back
  for (const TokenId text : {0, 1000, 2000}) {
    while (f.allocator.free() < 4) REQUIRE(f.cache.EvictOne());
    f.Keep(Range(text, 64));
  }
  for (int turn = 0; turn < 9; ++turn) {
    const std::vector<TokenId> tokens = Range(turn % 3 * 1000, 64);
    BlockTable taken(f.allocator);
    CHECK(f.Share(tokens, taken) == 64);
    CHECK(f.storage.Holds(taken, tokens));
  }
  CHECK(f.cache.counts().lost == 0);
  CHECK(f.cache.blocks() + f.cache.spilled_blocks() == 12);
}

TEST_CASE("a full host first forgets copies of what is on the device, then what is oldest") {
  Fixture f(4, 4);
  f.Keep(Range(0, 64));
  while (f.cache.EvictOne()) {
  }
  {
    BlockTable taken(f.allocator);
    CHECK(f.Share(Range(0, 32), taken) == 32);  // two are on both
  }
  f.Keep(Range(1000, 32));
  for (int i = 0; i < 2; ++i) REQUIRE(f.cache.EvictOne());  // that came back: nothing is copied
  CHECK(f.storage.saved == 4);
  CHECK(f.cache.Find(0, Range(0, 64)).tokens == 64);
  REQUIRE(f.cache.EvictOne());
  CHECK(f.cache.counts().lost == 1);
  CHECK(f.cache.Find(0, Range(0, 64)).tokens == 48);  // from its end
  CHECK(f.cache.Find(0, Range(1000, 32)).tokens == 32);
}

TEST_CASE("what a sequence computed again takes the place of what is on the host") {
  Fixture f(4, 4);
  f.Keep(Range(0, 32));
  while (f.cache.EvictOne()) {
  }
  BlockTable again = Computed(f.allocator, f.storage, Range(0, 48));
  f.cache.Insert(0, Range(0, 48), again);
  CHECK(f.cache.blocks() == 3);
  CHECK(f.cache.spilled_blocks() == 0);
  CHECK(f.storage.restored == 0);
  again.Clear();
  while (f.cache.EvictOne()) {
  }
  CHECK(f.storage.saved == 3);  // two were there
}

TEST_CASE("where no block can be had what is known stays on the host") {
  Fixture f(3, 4);
  f.Keep(Range(0, 48));
  while (f.cache.EvictOne()) {
  }
  BlockTable other(f.allocator);
  REQUIRE(other.Reserve(32));
  BlockTable taken(f.allocator);
  CHECK(f.Share(Range(0, 60), taken) == 16);
  CHECK(f.cache.Find(0, Range(0, 60)).tokens == 48);
  other.Clear();
  CHECK(f.cache.Share(0, Range(0, 60), 16, taken) == 48);
  CHECK(f.storage.Holds(taken, Range(0, 48)));
}

TEST_CASE("a host with less memory than it was asked for holds what it can") {
  Fixture f(8, 8, 3);
  f.Keep(Range(0, 32));
  f.Keep(Range(1000, 64));
  while (f.cache.EvictOne()) {
  }
  CHECK(f.cache.spilled_blocks() == 3);
  CHECK(f.cache.counts().lost == 3);
  CHECK(f.cache.Find(0, Range(1000, 64)).tokens == 48);
}

// The twin keeps every text that was kept, and knows the longest beginning that any of them shares
// with a prompt. The storage remembers what each position was computed from, so what the cache
// hands over is held to the prompt itself; and a position that is written must be its sequence's
// own.
TEST_CASE("the cache finds what a list of all texts finds, and hands over the prompt's own KV") {
  std::mt19937 random(11);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  struct Memory {
    uint32_t blocks, host_blocks, of_them_there;
    bool loses;
  };
  for (const Memory& memory :
       {Memory{60000, 0, 0, false}, Memory{96, 0, 0, true}, Memory{12, 60000, 60000, false},
        Memory{12, 40, 40, true}, Memory{7, 40, 9, true}, Memory{6, 1, 1, true}}) {
    CAPTURE(memory.blocks, memory.host_blocks);
    Fixture f(memory.blocks, memory.host_blocks, memory.of_them_there);
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
      uint32_t n = f.cache.Share(salt, prompt, 0, table);
      if (f.allocator.free() == 0) REQUIRE(f.cache.EvictOne());
      n = f.cache.CopyTail(salt, prompt, n, table);
      REQUIRE(table.blocks().size() == BlockTable::BlocksFor(n));
      size_t longest = 0;
      for (const auto& [other, text] : kept) {
        if (other != salt) continue;
        const auto ends = std::ranges::mismatch(text, prompt);
        longest = std::max(longest, static_cast<size_t>(ends.in1 - text.begin()));
      }
      if (memory.loses) {
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
      REQUIRE(f.cache.spilled_blocks() <= std::min(memory.host_blocks, memory.of_them_there));
    }
    CHECK(reused > 5000);
    if (memory.host_blocks > 1) CHECK(f.storage.restored > 500);
    CHECK((f.cache.counts().lost > 0) == memory.loses);
    while (f.cache.EvictOne()) {
    }
    CHECK(f.allocator.free() == f.allocator.capacity());
  }
}

}  // namespace
}  // namespace hearth::model
