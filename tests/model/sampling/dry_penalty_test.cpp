#include "model/sampling/dry_penalty.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

namespace hearth::model {
namespace {

constexpr size_t kVocab = 12;

// The rule as it is told: for each token, the longest end of the text behind which it stood before.
std::vector<float> Naive(const std::vector<TokenId>& all, const SamplingParams& params) {
  const size_t n = std::min<size_t>(all.size(), params.dry_window);
  const std::vector<TokenId> text(all.end() - static_cast<ptrdiff_t>(n), all.end());
  std::vector<float> logits(kVocab, 0);
  for (TokenId token = 0; token < static_cast<TokenId>(kVocab); ++token) {
    size_t longest = 0;
    for (size_t place = 0; place < n; ++place) {
      if (text[place] != token) continue;
      size_t length = 0;
      while (length < place && text[place - 1 - length] == text[n - 1 - length] &&
             std::ranges::find(params.dry_breakers, text[n - 1 - length]) ==
                 params.dry_breakers.end()) {
        ++length;
      }
      longest = std::max(longest, length);
    }
    if (longest < params.dry_allowed_length) continue;
    logits[static_cast<size_t>(token)] -=
        params.dry_multiplier *
        std::pow(params.dry_base, static_cast<float>(longest - params.dry_allowed_length));
  }
  return logits;
}

void Apply(DryPenalty& dry, std::vector<float>& logits) {
  std::vector<LogitChange> changes;
  dry.Changes(changes);
  for (const LogitChange& change : changes) {
    float& logit = logits[static_cast<size_t>(change.id)];
    logit = change.Of(logit);
  }
}

TEST_CASE("penalties are those of the plain rule") {
  std::mt19937 random(9);
  size_t penalized = 0;
  for (int round = 0; round < 400; ++round) {
    SamplingParams params;
    params.dry_multiplier = 0.5f;
    params.dry_base = 1.5f;
    params.dry_allowed_length = 1 + random() % 4;
    params.dry_window = 1 + random() % 60;
    if (random() % 2 == 0) params.dry_breakers = {7, 1};
    DryPenalty dry(params);
    std::vector<TokenId> text;
    const size_t words = 2 + random() % 10;
    const size_t length = random() % 150;
    for (size_t i = 0; i < length; ++i) {
      text.push_back(static_cast<TokenId>(random() % words));
      dry.Observe(text.back());
    }
    std::vector<float> logits(kVocab, 0);
    Apply(dry, logits);
    const std::vector<float> expected = Naive(text, params);
    for (size_t i = 0; i < kVocab; ++i) {
      CHECK(logits[i] == Approx(expected[i]));
      penalized += expected[i] < 0;
    }
  }
  CHECK(penalized > 100);
}

TEST_CASE("a text that only repeats is penalized by a finite number, in linear time") {
  SamplingParams params;
  params.dry_multiplier = 1;
  params.dry_window = 100000;
  DryPenalty dry(params);
  for (int i = 0; i < 100000; ++i) dry.Observe(3);
  std::vector<float> logits(kVocab, 0);
  Apply(dry, logits);
  CHECK(logits[3] < -1e5f);
  CHECK(std::isfinite(logits[3]));
  CHECK(logits[4] == 0);
}

TEST_CASE("without a multiplier nothing is remembered or changed") {
  SamplingParams params;
  DryPenalty dry(params);
  for (int i = 0; i < 10; ++i) dry.Observe(3);
  std::vector<float> logits(kVocab, 0);
  Apply(dry, logits);
  CHECK(logits == std::vector<float>(kVocab, 0));
}

}  // namespace
}  // namespace hearth::model
