// The lazy automaton beside the expressions that it is made of, and what it claims about whole
// families of strings beside random members of them.
#include "grammars/regex/char_dfa.h"

#include <catch2/catch.hpp>
#include <random>

#include "grammars/matcher/token_trie.h"
#include "grammars/regex/ecma_regex.h"

using namespace hearth::grammar;

namespace {

const char* kPatterns[] = {
    "^[a-z]+$",      "^(ab|a)*b?$",        "b+c",     "^(?!ab)[a-c]{0,6}$",
    "^.{2,5}$",      "^\\S+( \\S+){0,3}$", "^[^b]*$", "^(a{2}|b{3})*$",
    "^a[b-c]{3,}c$", "^[abc ]{0,40}$",
};

std::u32string RandomText(std::mt19937& random, size_t most) {
  static constexpr char32_t kLetters[] = {'a', 'b', 'c', ' ', 'z', 0xe9, 0x65e5};
  std::u32string text(random() % (most + 1), 0);
  for (char32_t& c : text) c = kLetters[random() % std::size(kLetters)];
  return text;
}

}  // namespace

TEST_CASE("the automaton accepts what the expression matches") {
  std::mt19937 random(1);
  for (const char* pattern : kPatterns) {
    INFO(pattern);
    auto store = std::make_unique<ExpressionStore>();
    ExpressionStore second;
    const ExprId e = *ParseEcmaRegex(pattern, *store);
    const ExprId copy = second.Import(*store, e);
    CHECK(second.Hash(copy) == store->Hash(e));
    CHECK(second.Import(*store, e) == copy);
    const CharDfa dfa(std::move(store), {e});
    for (int i = 0; i < 2000; ++i) {
      const std::u32string text = RandomText(random, 9);
      CharDfa::State state = dfa.StateOf(e);
      for (const char32_t c : text) state = dfa.Step(state, c);
      REQUIRE(dfa.Accepting(state) == second.Matches(copy, text));
    }
  }
}

TEST_CASE("no string that a state calls safe leads to the dead state") {
  std::mt19937 random(2);
  for (const char* pattern : kPatterns) {
    INFO(pattern);
    auto store = std::make_unique<ExpressionStore>();
    const ExprId e = *ParseEcmaRegex(pattern, *store);
    const CharDfa dfa(std::move(store), {e});
    for (int i = 0; i < 3000; ++i) {
      CharDfa::State state = dfa.StateOf(e);
      for (const char32_t c : RandomText(random, 6)) state = dfa.Step(state, c);
      if (state == CharDfa::kDead) continue;
      const CharDfa::Run run = dfa.RunOf(state);
      const uint32_t open = dfa.OpenLength(state);
      const uint64_t loops = dfa.Loops(state);
      CharDfa::State by_run = state, by_open = state;
      bool running = true;
      uint32_t length = 0;
      for (const char32_t c : RandomText(random, 12)) {
        const uint64_t bit = c < 0x80 ? TokenTrie::ClassBit(static_cast<uint8_t>(c)) : 0;
        if ((bit & loops) != 0) REQUIRE(dfa.Step(state, c) == state);
        if (++length <= open) {
          by_open = dfa.Step(by_open, c);
          REQUIRE(by_open != CharDfa::kDead);
        }
        running = running && (bit & run.classes) != 0 && length <= run.length;
        if (running) {
          by_run = dfa.Step(by_run, c);
          REQUIRE(by_run != CharDfa::kDead);
        }
      }
    }
  }
}

TEST_CASE("where lengths are counted beside the automaton, some word ends within every bound") {
  std::mt19937 random(3);
  int counted = 0;
  for (const char* pattern : kPatterns) {
    auto store = std::make_unique<ExpressionStore>();
    const ExprId e = *ParseEcmaRegex(pattern, *store);
    CharDfa dfa(std::move(store), {e});
    uint32_t longest = 0;
    const CharDfa::State start = dfa.StateOf(e);
    if (!dfa.CountsLengths(start, 0, longest)) continue;
    ++counted;
    INFO(pattern);
    for (int i = 0; i < 500; ++i) {
      CharDfa::State state = start;
      for (const char32_t c : RandomText(random, 8)) state = dfa.Step(state, c);
      if (state == CharDfa::kDead) continue;
      REQUIRE(dfa.Shortest(state) <= longest);
      // Always to a state that is one step nearer; the last of them accepts.
      for (uint32_t left = dfa.Shortest(state); left > 0; --left) {
        CharDfa::State next = CharDfa::kDead;
        for (const char32_t c : {U'a', U'b', U'c', U' ', U'z', U'\u00e9'}) {
          const CharDfa::State to = dfa.Step(state, c);
          if (to != CharDfa::kDead && dfa.Shortest(to) < left) next = to;
        }
        REQUIRE(next != CharDfa::kDead);
        state = next;
      }
      REQUIRE(dfa.Accepting(state));
    }
  }
  CHECK(counted > 4);
}
