// A vocabulary for tests: every byte, and words that straddle the borders of JSON tokens.
#pragma once

#include <string>
#include <vector>

#include "grammars/vocabulary.h"

namespace hearth::grammar {

inline std::shared_ptr<const Vocabulary> SmallVocabulary() {
  static const std::shared_ptr<const Vocabulary> vocabulary = [] {
    std::vector<Vocabulary::Token> tokens;
    for (int b = 0; b < 256; ++b) tokens.push_back({std::string(1, static_cast<char>(b)), false});
    for (const char* word :
         {"{\"",    "\":",      "\": ",        "\",",  "\", \"",   "\"}",
          "\"]",    "\": \"",   "\":\"",       "}}",   "]}",       ", ",
          "[]",     "{}",       "tr",          "true", "null",     "12",
          "123",    "0.",       "1e",          "-1",   "  ",       "\n  ",
          "\n    ", "ab",       "abc",         "name", "\"name\"", "tool",
          "_call",  "<tool",    "<tool_call>", "l><x", " <",       "\\\"",
          "\\n",    "\\u",      "00e9",        "é",    "日本",     "aaaaaaaaaaaaaaaaaaaa",
          "a\"",    "ab\", \"", "hello world"}) {
      tokens.push_back({word, false});
    }
    tokens.push_back({"\xe6\x97", false});  // half a character
    tokens.push_back({"<|call|>", true});
    tokens.push_back({"<|end|>", true});
    const auto end = static_cast<TokenId>(tokens.size() - 1);
    return *Vocabulary::Create(std::move(tokens), {end});
  }();
  return vocabulary;
}

inline TokenId CallToken() { return static_cast<TokenId>(SmallVocabulary()->size() - 2); }
inline TokenId EndToken() { return static_cast<TokenId>(SmallVocabulary()->size() - 1); }

}  // namespace hearth::grammar
