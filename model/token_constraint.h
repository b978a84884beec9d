// TokenConstraint: what a grammar (or anything else that limits the next token) shows to the
// engine.
//
// The engine knows no grammar; runtime/serving/grammar_constraint lets a Matcher answer. One
// instance belongs to one sequence and is called from the engine's thread alone.
#pragma once

#include <span>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;
  // True while nothing is constrained (free text): Fill need not be called.
  virtual bool IsFree() const { return false; }
  // The tokens that may come next; end-of-turn tokens are in it where the text may end here. The
  // view is valid until the next call. An Error ends this sequence and no other.
  virtual Status Fill(TokenSet& out) = 0;
  // Takes a token that the set allows; false (and no change) where it does not.
  virtual bool Accept(TokenId id) = 0;
  // Takes back the last n accepted tokens.
  virtual void Rollback(int n) = 0;
  // How many tokens of the draft could be accepted in order; changes nothing.
  virtual int AllowedPrefix(std::span<const TokenId> draft) = 0;
  // Appends the tokens that must come next whatever the model thinks (may be none). They are not
  // yet accepted: the engine calls Accept for each that it takes.
  virtual void ForcedRun(std::vector<TokenId>& out) = 0;
  virtual bool CanEnd() const = 0;
};

}  // namespace hearth::model
