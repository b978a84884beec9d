// GrammarConstraint: lets a grammar's Matcher answer the engine's questions about the next token.
//
// Belongs to one sequence.
#pragma once

#include <memory>
#include <vector>

#include "grammars/matcher.h"
#include "model/token_constraint.h"
#include "model/tokenizer.h"

namespace hearth::serving {

// The tokenizer's tokens as the grammar engine wants them; made once per model.
Result<std::shared_ptr<const grammar::Vocabulary>> MakeVocabulary(const model::Tokenizer& tokenizer,
                                                                  size_t vocabulary_size);

class GrammarConstraint : public model::TokenConstraint {
 public:
  // Without `forced_runs` every token is the model's own choice.
  GrammarConstraint(std::shared_ptr<const grammar::CompiledGrammar> grammar,
                    std::shared_ptr<const grammar::Vocabulary> vocabulary,
                    std::shared_ptr<const model::Tokenizer> tokenizer, bool forced_runs = true)
      : tokenizer_(std::move(tokenizer)),
        vocabulary_(vocabulary),
        matcher_(std::move(grammar), std::move(vocabulary)),
        forced_runs_(forced_runs) {}

  Status Fill(TokenSet& out) override { return matcher_.FillMask(out); }
  bool Accept(TokenId id) override;
  void Rollback(int n) override;
  int AllowedPrefix(std::span<const TokenId> draft) override {
    return static_cast<int>(matcher_.AllowedPrefix(draft));
  }
  // The forced bytes as the model's own tokenizer cuts them behind the last tokens, as far as no
  // longer token could reach over their end: what the model itself would have written. Masks stay
  // permissive: a model may spell the same bytes otherwise.
  void ForcedRun(std::vector<TokenId>& out) override;
  bool CanEnd() const override { return matcher_.CanEnd(); }

 private:
  // The bytes as tokens, cut as behind `before`; none where the tokenizer would cut across.
  std::vector<TokenId> Cut(std::span<const TokenId> before, const std::string& bytes) const;
  // Whether a token may come that has all of the `rest` bytes and more.
  bool MayReachOver(const TokenSet& allowed, size_t rest) const;

  std::shared_ptr<const model::Tokenizer> tokenizer_;
  std::shared_ptr<const grammar::Vocabulary> vocabulary_;
  mutable grammar::Matcher matcher_;  // asking whether it can end may make automaton states
  const bool forced_runs_;
  std::vector<TokenId> accepted_;
};

}  // namespace hearth::serving
