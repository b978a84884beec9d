// Speculation: what a sequence's guesses have been worth.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/engine/prompt_lookup.h"

namespace hearth::model {

struct Speculation {
  static constexpr uint32_t kMostGuesses = 16;
  // Where guesses are from: a lookup, by how much of the text agrees with the place that was found
  // (2, 3, 4, 6 or 10 tokens and more), or the drafter.
  enum Origin : uint8_t { kLookup2, kLookup3, kLookup4, kLookup6, kLookup10, kDrafter, kOrigins };

  // Guesses that followed a token. A copy breaks off at the same places again and again (behind a
  // line's end, say), and hardly anywhere else.
  struct After {
    TokenId token = -1;
    uint32_t seen = 0;
    double chance = 0;
  };
  static constexpr size_t kPlaces = 64;

  std::optional<PromptLookup> lookup;
  std::vector<TokenId> guesses;
  bool drafted = false;              // by the drafter, not looked up
  uint32_t agreeing = 0;             // tokens, of the place that was looked up
  std::array<After, kPlaces> after;  // by the token's last bits
  // How often a guess came true. The first values are what ordinary texts show.
  std::array<double, kOrigins> chances = {0.15, 0.3, 0.45, 0.6, 0.8, 0.6};
  // A drafter that did not pay is asked again after so many tokens, and then after twice as many.
  uint32_t rest = 0;
  uint32_t next_rest = 32;
};

}  // namespace hearth::model
