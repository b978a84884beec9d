#include "grammars/matcher/mask_memory.h"

#include <catch2/catch.hpp>

using namespace hearth;
using namespace hearth::grammar;

namespace {

std::shared_ptr<const Mask> MaskOf(TokenId id) {
  auto mask = std::make_shared<Mask>();
  mask->list = {id};
  mask->bytes = 1000;
  return mask;
}
// Keys are hashes: spread over shards and chains.
uint64_t Key(uint64_t i) { return i * 0x9e3779b97f4a7c15ull; }

}  // namespace

TEST_CASE("masks are found again, signposts say to look deeper, the unknown is unknown") {
  const MaskMemory memory(1 << 20);
  memory.Put(Key(1), MaskOf(7));
  memory.PutSignpost(Key(2));
  CHECK(memory.Find(Key(1)).mask->list[0] == 7);
  CHECK(memory.Find(Key(2)).mask == nullptr);
  CHECK(memory.Find(Key(2)).deeper);
  CHECK_FALSE(memory.Find(Key(3)).deeper);
  memory.Clear();
  CHECK(memory.Find(Key(1)).mask == nullptr);
  CHECK(memory.bytes() == 0);
}

TEST_CASE("the memory stays within its bound and the least recently used go first") {
  constexpr size_t kBound = 400'000;
  const MaskMemory memory(kBound);
  for (uint64_t i = 1; i <= 20'000; ++i) {
    memory.Put(Key(i), MaskOf(static_cast<TokenId>(i)));
    REQUIRE(memory.Find(Key(1)).mask != nullptr);  // used all the time
    REQUIRE(memory.Find(Key(i)).mask->list[0] == static_cast<TokenId>(i));
  }
  CHECK(memory.bytes() <= kBound);
  CHECK(memory.Find(Key(2)).mask == nullptr);
}
