#include "model/engine/step_choices.h"

#include <algorithm>

namespace hearth::model {

void StepChoices::Begin(size_t heads) {
  heads_.assign(heads, {});
  chosen_.assign(heads, -1);
}

bool StepChoices::TellOne(Sequence& sequence, Sampler& sampler, size_t head,
                          TokenChooser& chooser) {
  if (sequence.logprobs) return false;  // they are of logits without changes
  TokenSet allowed;
  TokenChoice choice;
  if (!sampler.Describe(choice)) return false;
  if (sequence.constraint && !sequence.constraint->IsFree()) {
    // An error comes again where the host asks.
    if (!sequence.constraint->Fill(allowed).ok()) return false;
    if (allowed.kind == TokenSet::Kind::kOne) {
      heads_[head].dictated = allowed.one;
      return true;
    }
    choice.allowed = &allowed;
  }
  changes_.clear();
  sampler.Changes(changes_);
  choice.changes = changes_;
  chooser.Choose(head, choice);
  heads_[head].asked = true;
  return true;
}

size_t StepChoices::Suppose(Sequence& sequence, size_t at) {
  const std::vector<TokenId>& draft = sequence.draft;
  const size_t none = draft.size() + 1;
  const auto accept = [&](TokenId token) {
    if (sequence.constraint) {
      if (!sequence.constraint->Accept(token)) return false;
      ++accepted_;
    }
    ahead_->Observe(token, true);
    return true;
  };
  if (std::ranges::find(sequence.stop_tokens, draft[at]) != sequence.stop_tokens.end() ||
      !accept(draft[at])) {
    return none;
  }
  ++at;
  if (!sequence.constraint) return at;
  forced_.clear();
  sequence.constraint->ForcedRun(forced_);
  for (const TokenId token : forced_) {
    if (!accept(token)) break;
    // Forced tokens that were not guessed are computed first.
    if (at == draft.size() || draft[at] != token) return none;
    ++at;
  }
  return at;
}

void StepChoices::Tell(Sequence& sequence, size_t first, TokenChooser& chooser) {
  const size_t guesses = sequence.draft.size();
  accepted_ = 0;
  heads_[first].first = true;
  if (guesses > 0) ahead_ = sequence.sampler;
  for (size_t at = 0; at <= guesses;) {
    Sampler& sampler = at == 0 ? sequence.sampler : *ahead_;
    if (!TellOne(sequence, sampler, first + at, chooser) || at == guesses) break;
    if (heads_[first + at].asked) ahead_->Drew();
    at = Suppose(sequence, at);
  }
  if (accepted_ > 0) sequence.constraint->Rollback(accepted_);
}

}  // namespace hearth::model
