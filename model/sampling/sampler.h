// Sampler: draws tokens for one sequence. Equal parameters, seed and logits give equal tokens on
// every machine. Not thread-safe.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "model/sampling.h"

namespace hearth::model {

class Sampler {
 public:
  explicit Sampler(const SamplingParams& params);

  // Remembers a token that now stands in the sequence, for the penalties.
  void Observe(TokenId token, bool generated);

  // Applies bias and penalties to the logits in place.
  void Adjust(std::span<float> logits) const;
  // Draws from the allowed tokens (all, where null) by adjusted logits. At least one token is
  // allowed. O(vocabulary): what top-k and top-p keep is sorted, and nothing else.
  TokenId Draw(std::span<const float> logits, const TokenSet* allowed);

 private:
  struct Candidate {
    TokenId id;
    float logit;
    double weight;
  };
  static bool SmallerId(const Candidate& a, const Candidate& b) { return a.id < b.id; }

  double NextUniform();
  void Gather(std::span<const float> logits, const TokenSet* allowed);
  void Order(size_t n);
  double Weigh();
  void KeepMass(double mass);

  SamplingParams params_;
  uint64_t state_;
  std::unordered_map<TokenId, uint32_t> generated_;  // counts
  std::vector<TokenId> recent_;                      // ring of the last penalty_window tokens
  size_t recent_next_ = 0;
  std::vector<Candidate> candidates_;
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
