#include "model/sampling/sampler.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <unordered_set>

namespace hearth::model {

Status SamplingParams::Check() const {
  const auto in = [](const char* name, double value, double low, double high) -> Status {
    if (value >= low && value <= high) return {};
    return MakeError(ErrorCode::kInvalidArgument, name, ": ", value, " is not between ", low,
                     " and ", high);
  };
  HEARTH_CHECK_OK(in("temperature", temperature, 0, 100));
  HEARTH_CHECK_OK(in("top_p", top_p, 0, 1));
  HEARTH_CHECK_OK(in("min_p", min_p, 0, 1));
  HEARTH_CHECK_OK(in("repetition_penalty", repetition_penalty, 0.01, 100));
  HEARTH_CHECK_OK(in("presence_penalty", presence_penalty, -100, 100));
  HEARTH_CHECK_OK(in("frequency_penalty", frequency_penalty, -100, 100));
  HEARTH_CHECK_OK(in("penalty_window", penalty_window, 0, 1 << 20));
  for (const auto& [id, bias] : logit_bias) HEARTH_CHECK_OK(in("logit_bias", bias, -1000, 1000));
  return {};
}

Sampler::Sampler(const SamplingParams& params) : params_(params), state_(params.seed) {}

// SplitMix64 (Steele, Lea & Flood, 2014): the same numbers everywhere, unlike std distributions.
double Sampler::NextUniform() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1.0p-53;
}

void Sampler::Observe(TokenId token, bool generated) {
  if (generated && (params_.presence_penalty != 0 || params_.frequency_penalty != 0)) {
    ++generated_[token];
  }
  if (params_.repetition_penalty == 1.0f || params_.penalty_window == 0) return;
  if (recent_.size() < params_.penalty_window) {
    recent_.push_back(token);
  } else {
    recent_[recent_next_] = token;
    recent_next_ = (recent_next_ + 1) % recent_.size();
  }
}

void Sampler::Adjust(std::span<float> logits) const {
  for (const auto& [id, bias] : params_.logit_bias) {
    if (id >= 0 && static_cast<size_t>(id) < logits.size()) logits[static_cast<size_t>(id)] += bias;
  }
  std::unordered_set<TokenId> seen(recent_.begin(), recent_.end());
  for (TokenId id : seen) {
    float& logit = logits[static_cast<size_t>(id)];
    logit = logit > 0 ? logit / params_.repetition_penalty : logit * params_.repetition_penalty;
  }
  for (const auto& [id, count] : generated_) {
    logits[static_cast<size_t>(id)] -=
        params_.presence_penalty + params_.frequency_penalty * static_cast<float>(count);
  }
}

void Sampler::Gather(std::span<const float> logits, const TokenSet* allowed) {
  candidates_.clear();
  const auto add = [&](size_t id) {
    // A broken model may give NaN; such a token is never drawn unless nothing else is left.
    const float logit = std::isnan(logits[id]) ? -INFINITY : logits[id];
    candidates_.push_back({static_cast<TokenId>(id), logit});
  };
  if (allowed == nullptr) {
    candidates_.reserve(logits.size());
    for (size_t id = 0; id < logits.size(); ++id) add(id);
    return;
  }
  const bool has_bits =
      allowed->kind == TokenSet::Kind::kBitmask || allowed->kind == TokenSet::Kind::kBaseAndList;
  const size_t words = has_bits ? std::min(allowed->bits.size(), (logits.size() + 31) / 32) : 0;
  for (size_t w = 0; w < words; ++w) {
    for (uint32_t bits = allowed->bits[w]; bits != 0; bits &= bits - 1) {
      const size_t id = w * 32 + static_cast<size_t>(std::countr_zero(bits));
      if (id < logits.size()) add(id);
    }
  }
  if (allowed->kind == TokenSet::Kind::kOne) add(static_cast<size_t>(allowed->one));
  if (allowed->kind == TokenSet::Kind::kList || allowed->kind == TokenSet::Kind::kBaseAndList) {
    for (TokenId id : allowed->list) {
      const bool twice = has_bits && static_cast<size_t>(id) / 32 < allowed->bits.size() &&
                         (allowed->bits[static_cast<size_t>(id) / 32] >> (id % 32) & 1) != 0;
      if (!twice) add(static_cast<size_t>(id));
    }
  }
}

// Cuts candidates_ to those in the running, the most likely first. Ties go to the smaller id, so
// that the order never depends on the library's sort.
void Sampler::KeepMostLikely() {
  const auto likelier = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  size_t wanted = params_.top_k != 0 ? params_.top_k : candidates_.size();
  wanted = std::min(wanted, candidates_.size());
  // Without top-k the tail is long and unlikely: what cannot reach e^-40 of the top's weight is
  // left out, below the resolution of the draw.
  if (wanted == candidates_.size()) {
    float top = -INFINITY;
    for (const Candidate& c : candidates_) top = std::max(top, c.logit);
    const float floor = top - 40.0f * params_.temperature;
    std::erase_if(candidates_, [&](const Candidate& c) { return c.logit < floor; });
    std::ranges::sort(candidates_, likelier);
    return;
  }
  std::ranges::nth_element(candidates_, candidates_.begin() + static_cast<std::ptrdiff_t>(wanted),
                           likelier);
  candidates_.resize(wanted);
  std::ranges::sort(candidates_, likelier);
}

TokenId Sampler::Draw(std::span<const float> logits, const TokenSet* allowed) {
  if (allowed != nullptr && allowed->kind == TokenSet::Kind::kOne) return allowed->one;
  Gather(logits, allowed);
  assert(!candidates_.empty());
  if (params_.temperature == 0) {
    const Candidate* best = &candidates_[0];
    for (const Candidate& c : candidates_) {
      if (c.logit > best->logit || (c.logit == best->logit && c.id < best->id)) best = &c;
    }
    return best->id;
  }
  KeepMostLikely();
  weights_.resize(candidates_.size());
  double total = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const double distance = static_cast<double>(candidates_[i].logit) - candidates_[0].logit;
    // Two logits of -infinity are equally unlikely, not undefined.
    weights_[i] = std::isnan(distance) ? 1.0 : std::exp(distance / params_.temperature);
    total += weights_[i];
  }
  size_t kept = weights_.size();
  if (params_.top_p < 1.0f) {
    double mass = 0;
    for (kept = 0; kept < weights_.size() && mass < params_.top_p * total;)
      mass += weights_[kept++];
    kept = std::max<size_t>(kept, 1);
  }
  while (kept > 1 && weights_[kept - 1] < params_.min_p * weights_[0]) --kept;
  total = 0;
  for (size_t i = 0; i < kept; ++i) total += weights_[i];
  double at = NextUniform() * total;
  for (size_t i = 0; i + 1 < kept; ++i) {
    if (at < weights_[i]) return candidates_[i].id;
    at -= weights_[i];
  }
  return candidates_[kept - 1].id;
}

LogProbabilities::LogProbabilities(std::span<const float> logits) : logits_(logits) {
  // A NaN of a broken model has no share, as in Draw.
  float top = -INFINITY;
  for (float x : logits) top = x > top ? x : top;
  double sum = 0;
  for (float x : logits) sum += std::isnan(x) ? 0.0 : std::exp(static_cast<double>(x) - top);
  log_total_ = static_cast<double>(top) + std::log(sum);
}

float LogProbabilities::Of(TokenId id) const {
  return static_cast<float>(logits_[static_cast<size_t>(id)] - log_total_);
}

std::vector<TokenId> LogProbabilities::Likeliest(size_t n) const {
  std::vector<TokenId> best;
  if (n == 0) return best;
  const auto score = [&](TokenId id) {
    const float x = logits_[static_cast<size_t>(id)];
    return std::isnan(x) ? -INFINITY : x;
  };
  const auto likelier = [&](TokenId a, TokenId b) {
    return score(a) != score(b) ? score(a) > score(b) : a < b;
  };
  for (size_t i = 0; i < logits_.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (best.size() == n && !likelier(id, best.back())) continue;
    best.insert(std::ranges::upper_bound(best, id, likelier), id);
    if (best.size() > n) best.pop_back();
  }
  return best;
}

}  // namespace hearth::model
