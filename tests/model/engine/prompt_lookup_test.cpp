#include "model/engine/prompt_lookup.h"

#include <catch2/catch.hpp>
#include <random>

namespace hearth::model {
namespace {

uint32_t Find(const std::vector<TokenId>& text, uint32_t most, std::vector<TokenId>& out) {
  PromptLookup lookup(256);
  lookup.Extend(text);
  return lookup.Find(text, most, out);
}

TEST_CASE("what followed the longest equal past is guessed") {
  std::vector<TokenId> out;
  // "2 3" came twice; the earlier time what stood before agrees too.
  CHECK(Find({1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3}, 2, out) == 3);
  CHECK(out == std::vector<TokenId>{4, 9});
  out.clear();
  CHECK(Find({1, 2, 3, 4}, 2, out) == 0);
  CHECK(Find({}, 2, out) == 0);
  CHECK(Find({1}, 2, out) == 0);
  CHECK(out.empty());
}

TEST_CASE("of equally long pasts the latest counts") {
  std::vector<TokenId> out;
  CHECK(Find({1, 2, 7, 1, 2, 8, 1, 2}, 1, out) == 2);
  CHECK(out == std::vector<TokenId>{8});
}

TEST_CASE("a text that repeats itself goes on with its own guesses") {
  std::vector<TokenId> out;
  CHECK(Find({5, 6, 7, 5, 6, 7, 5, 6}, 7, out) == 5);
  CHECK(out == std::vector<TokenId>{7, 5, 6, 7, 5, 6, 7});
}

TEST_CASE("guesses are from a place whose past agrees as said, and no place agrees longer") {
  std::mt19937 random(3);
  size_t found = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<TokenId> text(random() % 18);  // so short that all places are looked at
    for (TokenId& t : text) t = static_cast<TokenId>(random() % 3);
    uint32_t longest = 0;
    for (size_t place = 1; place + 1 < text.size(); ++place) {
      uint32_t agree = 0;
      while (agree <= place && text[place - agree] == text[text.size() - 1 - agree]) ++agree;
      if (agree >= 2) longest = std::max(longest, agree);
    }
    PromptLookup lookup(64);
    for (size_t n = 0; n <= text.size(); ++n) lookup.Extend(std::span(text).first(n));
    std::vector<TokenId> out;
    CHECK(lookup.Find(text, 3, out) == longest);
    CHECK(out.size() == (longest > 0 ? 3 : 0));
    found += longest > 0;
  }
  CHECK(found > 500);
}

TEST_CASE("a text longer than was said has no guesses") {
  PromptLookup lookup(4);
  const std::vector<TokenId> text = {1, 2, 1, 2, 1, 2};
  lookup.Extend(text);
  std::vector<TokenId> out;
  CHECK(lookup.Find(text, 3, out) == 0);
}

}  // namespace
}  // namespace hearth::model
