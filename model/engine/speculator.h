// Speculator: which guesses are tried in the next pass, and how many.
//
// A pass over a sequence's last token and k guesses costs less than k + 1 passes, since weights are
// read once; how much less is measured (StepCost), and so is how often guesses of each origin come
// true. Guesses are added, the surest first, as long as they raise the expected tokens a second of
// all sequences together: many on an idle machine, few or none where the batch is full already or
// guesses fail. What a lookup would have guessed is compared with what is drawn even where nothing
// was tried, so learning costs nothing. After: Leviathan et al., "Fast Inference from Transformers
// via Speculative Decoding", 2023.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "model/engine/sequence.h"
#include "model/engine/step_cost.h"

namespace hearth::model {

class Speculator {
 public:
  struct Options {
    bool lookup = true;
    Drafter* drafter = nullptr;   // may be null
    std::function<double()> now;  // seconds
  };
  // The cost must outlive it.
  Speculator(Options options, const StepCost& cost)
      : options_(std::move(options)), cost_(cost), drafter_(options_.drafter) {}

  // Sets the drafts of the sequences that are decoded.
  void Propose(std::span<const std::unique_ptr<Sequence>> running);
  // Hears what came behind the `length` tokens that the sequence had.
  void Learn(Sequence& sequence, uint32_t length);
  void Forget(const Sequence& sequence);
  // Why the drafter is no longer asked; without an error as long as it is.
  const Status& drafter_status() const { return drafter_status_; }

 private:
  // What could be tried for one sequence.
  struct Option {
    Sequence* sequence;
    double next;     // chance that all up to the next guess come true
    double seconds;  // that a guess costs to make
    uint32_t most;
    uint32_t chosen;
  };
  // That guess i comes true, if those before it did.
  static double Chance(const Sequence& sequence, size_t i);
  void FindGuesses(Sequence& sequence, uint32_t most);
  void AddOption(Sequence& sequence);
  void Choose(uint32_t tokens, uint32_t sequences);
  void MakeDraft(const Option& option);

  const Options options_;
  const StepCost& cost_;
  Drafter* drafter_;  // null from its first failure on
  Status drafter_status_;
  std::vector<Option> choices_;
  double seconds_per_guess_ = 0;  // of the drafter
};

}  // namespace hearth::model
