// PromptLookup: guesses what follows a text from where its last tokens stood before.
//
// Places are chained by a hash of the two tokens that end there, as LZ77 coders do; of the latest
// occurrences the one counts whose past agrees longest. After: Saxena, "Prompt Lookup Decoding",
// 2023.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/base/core/token_set.h"

namespace hearth::model {

class PromptLookup {
 public:
  // For texts of at most `longest` tokens; takes 8 bytes for each at once, and none later.
  explicit PromptLookup(uint32_t longest);

  // Takes in what `text` has behind the tokens that are known.
  void Extend(std::span<const TokenId> text);
  // Appends at most `most` tokens to `out` that may follow `text`, which is known. Returns how many
  // tokens of its end agree with the place that they are from; 0 where there is none.
  uint32_t Find(std::span<const TokenId> text, uint32_t most, std::vector<TokenId>& out);

 private:
  size_t Slot(TokenId before, TokenId last) const;

  std::vector<int32_t> latest_;   // by hash: the place where the pair ended last, or -1
  std::vector<int32_t> earlier_;  // by place: the one before with the same hash, or -1
  uint32_t known_ = 0;
  uint32_t distance_ = 0;  // how far back the last guesses were from
};

}  // namespace hearth::model
