// Grammars in some notation, and texts that they hold or do not hold.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "grammars/grammar_builder.h"
#include "grammars/matcher.h"
#include "tests/grammars/small_vocabulary.h"

namespace hearth::grammar {

struct NotationCase {
  std::string grammar;
  std::vector<std::string> held, refused;
};

// Each text byte by byte, with a mask at each byte that must agree with what is accepted.
inline bool Holds(const std::shared_ptr<const CompiledGrammar>& grammar, const std::string& text) {
  Matcher matcher(grammar, SmallVocabulary());
  for (const char c : text) {
    const auto id = static_cast<TokenId>(static_cast<uint8_t>(c));
    TokenSet set;
    const bool any = matcher.FillMask(set).ok();
    const bool in_mask = any && set.Contains(id);
    const bool accepted = matcher.Accept(id);
    REQUIRE(in_mask == accepted);
    if (!accepted) return false;
  }
  return matcher.CanEnd();
}

template <typename Add>
void CheckNotation(const std::vector<NotationCase>& cases, Add&& add) {
  for (const NotationCase& c : cases) {
    GrammarBuilder builder;
    CAPTURE(c.grammar);
    const auto part = add(builder, c.grammar);
    if (!part.ok()) FAIL(part.error().message);
    const auto grammar = std::move(builder).Build(*part);
    if (!grammar.ok()) FAIL(grammar.error().message);
    for (const std::string& text : c.held) {
      CAPTURE(text);
      CHECK(Holds(*grammar, text));
    }
    for (const std::string& text : c.refused) {
      CAPTURE(text);
      CHECK_FALSE(Holds(*grammar, text));
    }
  }
}

struct RefusedCase {
  std::string grammar, word;
};

// The error of reading or of building names what is wrong.
template <typename Add>
void CheckRefused(const std::vector<RefusedCase>& cases, Add&& add) {
  for (const RefusedCase& c : cases) {
    GrammarBuilder builder;
    CAPTURE(c.grammar);
    const auto part = add(builder, c.grammar);
    std::string message = part.ok() ? "" : part.error().message;
    if (part.ok()) {
      const auto grammar = std::move(builder).Build(*part);
      REQUIRE_FALSE(grammar.ok());
      message = grammar.error().message;
    }
    CHECK_THAT(message, Catch::Contains(c.word));
  }
}

}  // namespace hearth::grammar
