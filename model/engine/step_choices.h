// StepChoices: the tokens of a pass that the backend draws, and those that a constraint dictates.
//
// The backend is told while it computes, so constraints make their sets at no cost. Behind a guess
// a token is drawn as if the guess had come true: constraint, penalties and random number are those
// that will then hold. Where it does not come true, nobody asks for the tokens behind it.
//
// Not thread-safe.
#pragma once

#include <optional>
#include <vector>

#include "model/engine/sequence.h"
#include "model/sampling/token_choice.h"

namespace hearth::model {

class StepChoices {
 public:
  void Begin(size_t heads);
  // How the tokens behind the heads from `first` on are drawn: that of the sequence's last token,
  // and one for each of its guesses. The sequence is left as it was.
  void Tell(Sequence& sequence, size_t first, TokenChooser& chooser);
  // What the backend gives goes here.
  std::span<TokenId> chosen() { return chosen_; }

  // The token behind a head, or -1 where the host must draw it.
  TokenId token(size_t head) const {
    return heads_[head].asked ? chosen_[head] : heads_[head].dictated;
  }
  // Whether the backend was told how to draw it: its logits then have the sampler's changes.
  bool asked(size_t head) const { return heads_[head].asked; }
  // Another token than the one chosen behind the head was drawn: those behind the sequence's
  // guesses were drawn with numbers that it has used up, and are the host's to draw.
  void Refused(size_t head) {
    while (++head < heads_.size() && !heads_[head].first) chosen_[head] = -1;
  }

 private:
  struct Head {
    bool first = false;  // of its sequence
    bool asked = false;
    TokenId dictated = -1;
  };
  // False where the host must draw.
  bool TellOne(Sequence& sequence, Sampler& sampler, size_t head, TokenChooser& chooser);
  // Supposes that the guess `at` comes true; gives the place of the guess that is then drawn for,
  // or one past the last head where none is.
  size_t Suppose(Sequence& sequence, size_t at);

  std::vector<Head> heads_;
  std::vector<TokenId> chosen_;
  std::vector<LogitChange> changes_;
  std::vector<TokenId> forced_;
  std::optional<Sampler> ahead_;  // of the guesses
  int accepted_ = 0;              // that the constraint takes back
};

}  // namespace hearth::model
