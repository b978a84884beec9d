// Sampler: draws tokens for one sequence. Equal parameters, seed and logits give equal tokens on
// every machine. Not thread-safe.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "model/sampling.h"
#include "model/sampling/dry_penalty.h"
#include "model/sampling/token_choice.h"

namespace hearth::model {

class Sampler {
 public:
  explicit Sampler(const SamplingParams& params);

  // Remembers a token that now stands in the sequence, for the penalties.
  void Observe(TokenId token, bool generated);

  // Lowers what may never be drawn to nothing; Adjust does too. Probabilities are told after it.
  void Bar(std::span<float> logits) const;
  // Applies bars, bias, penalties and DRY to the logits in place.
  void Adjust(std::span<float> logits);
  // What Adjust does, as a list by round.
  void Changes(std::vector<LogitChange>& out);
  // Draws from the allowed tokens (all, where null) by adjusted logits. At least one token is
  // allowed. O(vocabulary): what top-k and top-p keep is sorted, and nothing else.
  TokenId Draw(std::span<const float> logits, const TokenSet* allowed);

  // How Draw would draw next from more than one token, for whoever draws in its place (the set and
  // the changes are the caller's to add). False where only Draw can: typical, XTC.
  bool Describe(TokenChoice& out) const;
  // A token was drawn as Describe said: the state is the one that Draw would have left.
  void Drew();

 private:
  struct Candidate {
    TokenId id;
    float logit;
    double weight;
  };
  // Ties go to the smaller id, so that the order never depends on the library's sort.
  static bool Likelier(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  }
  static bool SmallerId(const Candidate& a, const Candidate& b) { return a.id < b.id; }

  static double NextUniform(uint64_t& state);
  void Gather(std::span<const float> logits, const TokenSet* allowed);
  void GatherTop(std::span<const float> logits);
  void Order(size_t n);
  double Weigh();
  void KeepMass(double mass);
  void KeepTypical();
  void ExcludeTop();

  SamplingParams params_;
  std::vector<LogitChange> biases_;  // one for each id
  uint64_t state_;
  std::unordered_map<TokenId, uint32_t> generated_;  // counts
  std::vector<TokenId> recent_;                      // ring of the last penalty_window tokens
  size_t recent_next_ = 0;
  DryPenalty dry_;

  // Memory for one draw, which a copy does without.
  template <typename T>
  struct Scratch : std::vector<T> {
    Scratch() = default;
    Scratch(const Scratch&) : std::vector<T>() {}
    Scratch& operator=(const Scratch&) { return *this; }
  };
  Scratch<Candidate> candidates_;
  Scratch<LogitChange> changes_;
};

// LogProbabilities: log(softmax(logits)). The logits must outlive it. O(vocabulary) to make.
class LogProbabilities {
 public:
  explicit LogProbabilities(std::span<const float> logits);
  float Of(TokenId id) const;
  // The n likeliest tokens, the likeliest first; ties go to the smaller id.
  std::vector<TokenId> Likeliest(size_t n) const;

 private:
  std::span<const float> logits_;
  double log_total_;  // log of the sum of exp(logit)
};

}  // namespace hearth::model
