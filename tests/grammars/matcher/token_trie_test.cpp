// The trie beside the plain list of spellings.
#include "grammars/matcher/token_trie.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace hearth;
using namespace hearth::grammar;

TEST_CASE("every spelling is found by walking down, and each subtree holds what begins so") {
  const std::vector<std::string> words = {"a",  "ab",  "abc",      "b",  "",
                                          "ab", "abd", "\xff\x80", "a b"};
  std::vector<TokenTrie::Spelling> spellings;
  for (size_t i = 0; i < words.size(); ++i)
    spellings.push_back({words[i], static_cast<TokenId>(i)});
  const TokenTrie trie(spellings);
  const auto find = [&](std::string_view text) {
    TokenTrie::NodeId node = TokenTrie::kRoot;
    for (const char c : text) {
      node = trie.Child(node, static_cast<uint8_t>(c));
      REQUIRE(node != TokenTrie::kRoot);
    }
    return node;
  };
  for (const std::string& word : words) {
    const TokenTrie::NodeId node = find(word);
    std::vector<TokenId> exact, below;
    size_t longest = word.size();
    for (size_t i = 0; i < words.size(); ++i) {
      if (words[i] == word) exact.push_back(static_cast<TokenId>(i));
      if (words[i].substr(0, word.size()) != word) continue;
      below.push_back(static_cast<TokenId>(i));
      longest = std::max(longest, words[i].size());
    }
    const auto sorted = [](std::span<const TokenId> ids) {
      std::vector<TokenId> out(ids.begin(), ids.end());
      std::sort(out.begin(), out.end());
      return out;
    };
    INFO(word);
    CHECK(sorted(trie.Tokens(node)) == exact);
    CHECK(sorted(trie.Subtree(node)) == below);
    CHECK(trie.node(node).height == longest - word.size());
  }
  CHECK(trie.Child(TokenTrie::kRoot, 'z') == TokenTrie::kRoot);
}

TEST_CASE("a node with many children shows exactly the live ones") {
  std::vector<std::string> words;
  for (int b = 0; b < 256; b += 3) words.emplace_back(1, static_cast<char>(b));
  std::vector<TokenTrie::Spelling> spellings;
  for (size_t i = 0; i < words.size(); ++i)
    spellings.push_back({words[i], static_cast<TokenId>(i)});
  const TokenTrie trie(spellings);
  ByteSet live;
  live.Add(3, 100);
  std::vector<int> seen;
  trie.ForEachChild(TokenTrie::kRoot, live, [&](TokenTrie::NodeId node, uint8_t byte) {
    CHECK(trie.node(node).byte == byte);
    seen.push_back(byte);
  });
  std::vector<int> expected;
  for (int b = 3; b <= 100; b += 3) expected.push_back(b);
  CHECK(seen == expected);
}
