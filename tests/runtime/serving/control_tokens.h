// A tokenizer of single characters with control tokens beside them, for tests.
#pragma once

#include <catch2/catch.hpp>

#include "runtime/serving/chat_format.h"
#include "tests/support/vocabulary_file.h"

namespace hearth::serving {

// Printable ASCII, the blank and the line break; then the control tokens, of which those that end a
// turn have their usual names.
inline std::shared_ptr<const model::Tokenizer> TokenizerWith(
    const std::vector<std::string>& control) {
  test::VocabularyFile file;
  for (char c = 33; c < 127; ++c) {
    file.tokens.emplace_back(std::string(1, c), model::TokenKind::kNormal);
  }
  file.tokens.emplace_back("\u0120", model::TokenKind::kNormal);
  file.tokens.emplace_back("\u010a", model::TokenKind::kNormal);
  for (const std::string& name : control) {
    file.tokens.emplace_back(name, model::TokenKind::kControl);
  }
  const auto tokenizer = file.Create();
  if (!tokenizer.ok()) FAIL(tokenizer.error().message);
  return *tokenizer;
}

// The text as a parser is fed it: marks around each of the control tokens.
inline std::string Marked(std::string text, const std::vector<std::string>& control) {
  for (const std::string& name : control) {
    for (size_t at = text.find(name); at != text.npos; at = text.find(name, at)) {
      const std::string marked =
          Concat(std::string(1, kControlBegin), name, std::string(1, kControlEnd));
      text.replace(at, name.size(), marked);
      at += marked.size();
    }
  }
  return text;
}

inline const std::vector<std::string> kKimiTokens = {"<|tool_calls_section_begin|>",
                                                     "<|tool_calls_section_end|>",
                                                     "<|tool_call_begin|>",
                                                     "<|tool_call_argument_begin|>",
                                                     "<|tool_call_end|>",
                                                     "<|im_start|>",
                                                     "<|im_end|>",
                                                     "[PAD]"};

}  // namespace hearth::serving
