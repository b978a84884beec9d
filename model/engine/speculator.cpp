#include "model/engine/speculator.h"

#include <algorithm>

#include "model/drafter.h"

namespace hearth::model {
namespace {

// A new outcome counts for so much; for what follows one token for more, since it is seen less.
constexpr double kShare = 0.08;
constexpr double kShareAfter = 0.25;
constexpr uint32_t kKnown = 2;  // outcomes behind a token from which on they count alone
// Guesses must promise this much more speed: costs are measured, and measurements err.
constexpr double kGain = 1.03;
constexpr uint32_t kMostTogether = 64;  // guesses in one pass
constexpr uint32_t kTrial = 2;          // guesses of a drafter that is asked again
constexpr uint32_t kLongestRest = 512;

Speculation::Origin OriginOf(uint32_t agreeing) {
  if (agreeing >= 10) return Speculation::kLookup10;
  if (agreeing >= 6) return Speculation::kLookup6;
  if (agreeing >= 4) return Speculation::kLookup4;
  return agreeing == 3 ? Speculation::kLookup3 : Speculation::kLookup2;
}

Speculation::Origin OriginOf(const Speculation& s, size_t i) {
  return s.drafted ? Speculation::kDrafter : OriginOf(s.agreeing + static_cast<uint32_t>(i));
}

size_t PlaceOf(TokenId token) { return static_cast<uint32_t>(token) % Speculation::kPlaces; }

}  // namespace

double Speculator::Chance(const Sequence& sequence, size_t i) {
  const Speculation& s = sequence.speculation;
  if (!s.drafted) {
    const TokenId before = i == 0 ? sequence.tokens.back() : s.guesses[i - 1];
    const Speculation::After& after = s.after[PlaceOf(before)];
    if (after.token == before && after.seen >= kKnown) return after.chance;
  }
  return s.chances[OriginOf(s, i)];
}

void Speculator::FindGuesses(Sequence& sequence, uint32_t most) {
  Speculation& s = sequence.speculation;
  s.guesses.clear();
  s.drafted = false;
  if (!options_.lookup) return;
  if (!s.lookup) {
    s.lookup.emplace(static_cast<uint32_t>(sequence.tokens.capacity()));
    s.guesses.reserve(Speculation::kMostGuesses);
    sequence.draft.reserve(Speculation::kMostGuesses);
  }
  s.lookup->Extend(sequence.tokens);
  s.agreeing = s.lookup->Find(sequence.tokens, most, s.guesses);
  if (s.guesses.empty() || !sequence.constraint || sequence.constraint->IsFree()) return;
  s.guesses.resize(static_cast<size_t>(sequence.constraint->AllowedPrefix(s.guesses)));
}

void Speculator::AddOption(Sequence& sequence) {
  Speculation& s = sequence.speculation;
  const uint32_t left = sequence.max_tokens - sequence.usage.completion_tokens;
  const uint32_t most = std::min(Speculation::kMostGuesses, left - 1);
  FindGuesses(sequence, most);
  Option option = {&sequence, 0, 0, static_cast<uint32_t>(s.guesses.size()), 0};
  if (drafter_ != nullptr &&
      (s.guesses.empty() || Chance(sequence, 0) < s.chances[Speculation::kDrafter])) {
    if (s.rest > 0) --s.rest;
    s.guesses.clear();
    s.drafted = true;
    option = {&sequence, 0, seconds_per_guess_, s.rest > 0 ? 0 : most, 0};
  }
  if (option.most == 0) return;
  option.next = Chance(sequence, 0);
  choices_.push_back(option);
}

// `tokens` of so many sequences are in the pass anyhow.
void Speculator::Choose(uint32_t tokens, uint32_t sequences) {
  const double plain = cost_.Predict(tokens);
  if (plain == 0) return;
  double best_rate = kGain * sequences / plain;
  double expected = sequences;
  double making = 0;
  std::array<uint8_t, kMostTogether> order;  // whose guess is added at each step
  uint32_t best = 0;
  for (uint32_t n = 0; n < kMostTogether; ++n) {
    Option* surest = nullptr;
    for (Option& option : choices_) {
      if (option.chosen < option.most && (surest == nullptr || option.next > surest->next)) {
        surest = &option;
      }
    }
    if (surest == nullptr) break;
    order[n] = static_cast<uint8_t>(surest - choices_.data());
    ++surest->chosen;
    expected += surest->next;
    making += surest->seconds;
    if (surest->chosen < surest->most) surest->next *= Chance(*surest->sequence, surest->chosen);
    const double rate = expected / (cost_.Predict(tokens + n + 1) + making);
    if (rate <= best_rate) continue;
    best_rate = rate;
    best = n + 1;
  }
  for (Option& option : choices_) option.chosen = 0;
  for (uint32_t n = 0; n < best; ++n) ++choices_[order[n]].chosen;
}

void Speculator::MakeDraft(const Option& option) {
  Sequence& sequence = *option.sequence;
  Speculation& s = sequence.speculation;
  uint32_t count = option.chosen;
  if (s.drafted) {
    if (count == 0) {
      // Not worth it now, as far as is known. It is tried again after a while.
      s.rest = s.next_rest;
      s.next_rest = std::min(2 * s.next_rest, kLongestRest);
      count = std::min(kTrial, option.most);
    } else {
      s.next_rest = 32;
    }
    const double start = options_.now();
    drafter_status_ =
        drafter_->Draft(sequence.id, sequence.tokens, sequence.sampler, count, s.guesses);
    if (!drafter_status_.ok()) {
      drafter_ = nullptr;
      s.guesses.clear();
      return;
    }
    const double each = (options_.now() - start) / count;
    seconds_per_guess_ =
        seconds_per_guess_ == 0 ? each : seconds_per_guess_ + kShare * (each - seconds_per_guess_);
    if (sequence.constraint && !sequence.constraint->IsFree()) {
      s.guesses.resize(static_cast<size_t>(sequence.constraint->AllowedPrefix(s.guesses)));
    }
    count = std::min(count, static_cast<uint32_t>(s.guesses.size()));
  }
  sequence.draft.assign(s.guesses.begin(), s.guesses.begin() + count);
}

void Speculator::Propose(std::span<const std::unique_ptr<Sequence>> running) {
  if (!options_.lookup && options_.drafter == nullptr) return;
  choices_.clear();
  uint32_t tokens = 0;
  uint32_t sequences = 0;
  bool reading = false;
  for (const auto& owner : running) {
    Sequence& sequence = *owner;
    sequence.draft.clear();
    sequence.speculation.guesses.clear();
    if (sequence.paused) continue;
    reading |= sequence.reading;
    if (sequence.reading) continue;
    tokens += sequence.pending();
    ++sequences;
    AddOption(sequence);
  }
  // A prompt that is read fills the pass better than guesses do.
  if (reading || choices_.empty()) return;
  Choose(tokens, sequences);
  for (const Option& option : choices_) {
    if (!option.sequence->speculation.drafted || drafter_ != nullptr) MakeDraft(option);
  }
}

void Speculator::Learn(Sequence& sequence, uint32_t length) {
  Speculation& s = sequence.speculation;
  for (size_t i = 0; i < s.guesses.size() && length + i < sequence.tokens.size(); ++i) {
    const bool came_true = s.guesses[i] == sequence.tokens[length + i];
    double& chance = s.chances[OriginOf(s, i)];
    bool known = false;
    if (!s.drafted) {
      const TokenId before = sequence.tokens[length + i - 1];
      Speculation::After& after = s.after[PlaceOf(before)];
      if (after.token != before) after = {before, 0, chance};
      known = after.seen >= kKnown;
      ++after.seen;
      after.chance += kShareAfter * (came_true - after.chance);
    }
    // A token that is known to break copies says nothing about the others.
    if (!known) chance += kShare * (came_true - chance);
    if (!came_true) break;
  }
}

void Speculator::Forget(const Sequence& sequence) {
  if (options_.drafter != nullptr) options_.drafter->Forget(sequence.id);
}

}  // namespace hearth::model
