// PieceModel: merges the characters of a text into pieces of a SentencePiece vocabulary, best score
// first.
//
// Built over the sentencepiece library (sentencepiece_model.cpp), or where the build has none, over
// nothing: then Create is an Error (no_sentencepiece.cpp). Thread-safety: const after Create.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"
#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

struct Piece {
  std::string text;
  float score = 0;
  TokenKind kind = TokenKind::kNormal;
};

class PieceModel {
 public:
  // Piece i is token i. One piece at least must be of kind kUnknown.
  static Result<std::unique_ptr<const PieceModel>> Create(std::span<const Piece> pieces);
  virtual ~PieceModel() = default;

  // Appends the ids of a text that is well-formed UTF-8. Characters that no piece has become the
  // pieces of their bytes, or the unknown piece where the vocabulary lacks those. Never gives a
  // control token.
  virtual void Encode(std::string_view text, std::vector<TokenId>& out) const = 0;
};

}  // namespace hearth::model
