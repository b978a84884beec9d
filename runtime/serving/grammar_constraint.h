// GrammarConstraint: lets a grammar's Matcher answer the engine's questions about the next token.
//
// The matcher gives forced bytes; they are tokenized here with the model's own tokenizer. Belongs
// to one sequence.
#pragma once

#include <memory>

#include "grammars/matcher.h"
#include "model/token_constraint.h"
#include "model/tokenizer.h"

namespace hearth::serving {

// The tokenizer's tokens as the grammar engine wants them; made once per model.
Result<std::shared_ptr<const grammar::Vocabulary>> MakeVocabulary(const model::Tokenizer& tokenizer,
                                                                  size_t vocabulary_size);

class GrammarConstraint : public model::TokenConstraint {
 public:
  GrammarConstraint(std::shared_ptr<const grammar::CompiledGrammar> grammar,
                    std::shared_ptr<const grammar::Vocabulary> vocabulary,
                    std::shared_ptr<const model::Tokenizer> tokenizer)
      : tokenizer_(std::move(tokenizer)), matcher_(std::move(grammar), std::move(vocabulary)) {}

  Status Fill(TokenSet& out) override { return matcher_.FillMask(out); }
  bool Accept(TokenId id) override { return matcher_.Accept(id); }
  void Rollback(int n) override { matcher_.Rollback(static_cast<size_t>(n)); }
  int AllowedPrefix(std::span<const TokenId> draft) override {
    return static_cast<int>(matcher_.AllowedPrefix(draft));
  }
  // The last token of the forced bytes is left to the model: a longer token could reach past them.
  void ForcedRun(std::vector<TokenId>& out) override;
  bool CanEnd() const override { return matcher_.CanEnd(); }

 private:
  std::shared_ptr<const model::Tokenizer> tokenizer_;
  mutable grammar::Matcher matcher_;  // asking whether it can end may make automaton states
};

}  // namespace hearth::serving
