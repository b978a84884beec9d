// Vocabulary: what every kind of tokenizer reads from a GGUF file: tokens, their kinds, and the
// roles that some of them have.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/gguf.h"
#include "model/tokenizer.h"
#include "runtime/base/core/result.h"

namespace hearth::model {

struct Vocabulary {
  std::vector<std::string> texts;  // as stored
  std::vector<TokenKind> kinds;
  std::optional<TokenId> bos, eos;
  std::vector<TokenId> end_of_turn;  // ascending
  // By token: white space behind it in the text belongs to it. Empty where no token does so.
  std::vector<bool> swallows_space;
  std::optional<bool> adds_bos, adds_eos;  // what the file says, if it says anything

  static Result<Vocabulary> Read(const GgufFile& file);
};

}  // namespace hearth::model
