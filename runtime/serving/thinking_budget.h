// ThinkingBudget: ends a reply's reasoning after so many tokens, with the model's own end marker,
// and lets the reply go on.
//
// Wraps the grammar's constraint, where there is one. The markers are found in the bytes of the
// tokens, so it does not matter how the model cuts them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/token_constraint.h"
#include "model/tokenizer.h"
#include "runtime/serving/chat_format.h"

namespace hearth::serving {

class ThinkingBudget : public model::TokenConstraint {
 public:
  // `open`: the prompt left a reasoning block open. `inner` may be null. The format must know
  // reasoning.
  ThinkingBudget(std::unique_ptr<model::TokenConstraint> inner,
                 std::shared_ptr<const model::Tokenizer> tokenizer, const ChatFormat& format,
                 bool open, uint32_t budget);

  bool IsFree() const override;
  Status Fill(TokenSet& out) override;
  bool Accept(TokenId id) override;
  void Rollback(int n) override;
  int AllowedPrefix(std::span<const TokenId> draft) override;
  void ForcedRun(std::vector<TokenId>& out) override;
  bool CanEnd() const override;

 private:
  enum class Phase : uint8_t { kBefore, kThinking, kClosing, kDone };
  struct State {
    Phase phase = Phase::kBefore;
    uint32_t left = 0;   // tokens of reasoning
    size_t closing = 0;  // tokens of the end marker that were written
    std::string tail;    // the last bytes, as many as a marker may reach back
  };
  void Advance(State& state, TokenId id) const;

  std::unique_ptr<model::TokenConstraint> inner_;
  std::shared_ptr<const model::Tokenizer> tokenizer_;
  const std::string begin_marker_, end_marker_;
  std::vector<TokenId> end_;     // the end marker
  std::vector<TokenId> breaks_;  // tokens that begin a call, and with it end the reasoning
  State state_;
  std::vector<State> history_;
};

}  // namespace hearth::serving
