#include "model/sampling/sampler.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <unordered_set>

namespace hearth::model {
namespace {

// The first of the largest; NaN is none.
TokenId LargestOf(std::span<const float> logits) {
  constexpr size_t kChains = 8;
  float top[kChains];
  std::fill_n(top, kChains, -INFINITY);
  const size_t whole = logits.size() / kChains * kChains;
  for (size_t i = 0; i < whole; i += kChains) {
    for (size_t c = 0; c < kChains; ++c) top[c] = logits[i + c] > top[c] ? logits[i + c] : top[c];
  }
  for (size_t i = whole; i < logits.size(); ++i) top[0] = logits[i] > top[0] ? logits[i] : top[0];
  const auto at = std::ranges::find(logits, *std::max_element(top, top + kChains));
  return at == logits.end() ? 0 : static_cast<TokenId>(at - logits.begin());
}

}  // namespace

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
  HEARTH_CHECK_OK(in("dry_multiplier", dry_multiplier, 0, 100));
  HEARTH_CHECK_OK(in("dry_base", dry_base, 1, 100));
  HEARTH_CHECK_OK(in("dry_allowed_length", dry_allowed_length, 1, 1 << 20));
  HEARTH_CHECK_OK(in("dry_window", dry_window, 0, 1 << 20));
  HEARTH_CHECK_OK(in("typical_p", typical_p, 0, 1));
  HEARTH_CHECK_OK(in("xtc_probability", xtc_probability, 0, 1));
  HEARTH_CHECK_OK(in("xtc_threshold", xtc_threshold, 0, 1));
  for (const auto& [id, bias] : logit_bias) HEARTH_CHECK_OK(in("logit_bias", bias, -1000, 1000));
  return {};
}

Sampler::Sampler(const SamplingParams& params)
    : params_(params), state_(params.seed), dry_(params) {
  // One sum for each id, in the order in which they are given.
  std::ranges::stable_sort(params_.logit_bias, {}, &std::pair<TokenId, float>::first);
  for (const auto& [id, bias] : params_.logit_bias) {
    if (!biases_.empty() && biases_.back().id == id) {
      biases_.back().value += bias;
    } else {
      biases_.push_back({id, LogitChange::Round::kBias, bias});
    }
  }
}

// SplitMix64 (Steele, Lea & Flood, 2014): the same numbers everywhere, unlike std distributions.
double Sampler::NextUniform(uint64_t& state) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1.0p-53;
}

void Sampler::Observe(TokenId token, bool generated) {
  dry_.Observe(token);
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

void Sampler::Bar(std::span<float> logits) const {
  if (params_.barred == nullptr) return;
  for (const TokenId id : *params_.barred) logits[static_cast<size_t>(id)] = -INFINITY;
}

void Sampler::Changes(std::vector<LogitChange>& out) {
  using Round = LogitChange::Round;
  if (params_.barred != nullptr) {
    for (const TokenId id : *params_.barred) out.push_back({id, Round::kBar, 0});
  }
  out.insert(out.end(), biases_.begin(), biases_.end());
  const std::unordered_set<TokenId> seen(recent_.begin(), recent_.end());
  for (const TokenId id : seen) {
    out.push_back({id, Round::kRepetition, params_.repetition_penalty});
  }
  for (const auto& [id, count] : generated_) {
    const float lost =
        params_.presence_penalty + params_.frequency_penalty * static_cast<float>(count);
    out.push_back({id, Round::kPresence, -lost});
  }
  dry_.Changes(out);
}

void Sampler::Adjust(std::span<float> logits) {
  changes_.clear();
  Changes(changes_);
  for (const LogitChange& change : changes_) {
    const auto id = static_cast<size_t>(change.id);
    // A bias is the user's, and may be of a token that the model does not have.
    if (change.id >= 0 && id < logits.size()) logits[id] = change.Of(logits[id]);
  }
}

bool Sampler::Describe(TokenChoice& out) const {
  out.temperature = params_.temperature;
  if (params_.temperature == 0) return true;
  if (params_.typical_p < 1.0f || params_.xtc_probability > 0.0f) return false;
  out.top_k = params_.top_k;
  out.top_p = params_.top_p;
  out.min_p = params_.min_p;
  uint64_t state = state_;
  out.uniform = NextUniform(state);
  return true;
}

void Sampler::Drew() {
  if (params_.temperature != 0) NextUniform(state_);
}

// The candidates in the order of their ids.
void Sampler::Gather(std::span<const float> logits, const TokenSet* allowed) {
  candidates_.clear();
  const auto add = [&](size_t id) {
    // A broken model may give NaN; such a token is never drawn unless nothing else is left.
    const float logit = std::isnan(logits[id]) ? -INFINITY : logits[id];
    candidates_.push_back({static_cast<TokenId>(id), logit, 0});
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
  const size_t in_bits = candidates_.size();
  if (allowed->kind == TokenSet::Kind::kList || allowed->kind == TokenSet::Kind::kBaseAndList) {
    for (TokenId id : allowed->list) {
      const bool twice = has_bits && static_cast<size_t>(id) / 32 < allowed->bits.size() &&
                         (allowed->bits[static_cast<size_t>(id) / 32] >> (id % 32) & 1) != 0;
      if (!twice) add(static_cast<size_t>(id));
    }
    // Sets that hold the same tokens give the same draw, however they are written down.
    const auto list = candidates_.begin() + static_cast<std::ptrdiff_t>(in_bits);
    std::inplace_merge(candidates_.begin(), list, candidates_.end(), SmallerId);
  }
}

// The n likeliest to the front, in order.
void Sampler::Order(size_t n) {
  const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(n);
  if (n < candidates_.size()) std::ranges::nth_element(candidates_, end, Likelier);
  std::sort(candidates_.begin(), end, Likelier);
}

// Weights relative to the likeliest, which has 1; gives their sum.
double Sampler::Weigh() {
  float top = -INFINITY;
  for (const Candidate& c : candidates_) top = std::max(top, c.logit);
  const double scale = 1.0 / params_.temperature;
  double total = 0;
  for (Candidate& c : candidates_) {
    const double distance = static_cast<double>(c.logit) - top;
    // Two logits of -infinity are equally unlikely, not undefined.
    c.weight = std::isnan(distance) ? 1.0 : std::exp(distance * scale);
    total += c.weight;
  }
  return total;
}

// Leaves the likeliest that hold `mass` together. They are few where the mass is not the whole: a
// small front is ordered first, and a larger one where it does not suffice.
void Sampler::KeepMass(double mass) {
  constexpr size_t kFirstFront = 64;
  for (size_t front = kFirstFront;; front *= 8) {
    front = std::min(front, candidates_.size());
    Order(front);
    double sum = 0;
    size_t kept = 0;
    while (kept < front && sum < mass) sum += candidates_[kept++].weight;
    if (sum < mass && front < candidates_.size()) continue;
    candidates_.resize(std::max<size_t>(kept, 1));
    return;
  }
}

// The top_k likeliest of all, in order: most tokens are looked at once and never copied.
void Sampler::GatherTop(std::span<const float> logits) {
  candidates_.clear();
  candidates_.reserve(params_.top_k);
  float least = -INFINITY;  // what a token must have to get in
  for (size_t id = 0; id < logits.size(); ++id) {
    const bool full = candidates_.size() == params_.top_k;
    if (full && !(logits[id] > least)) continue;
    if (full) {
      std::ranges::pop_heap(candidates_, Likelier);
      candidates_.pop_back();
    }
    const float logit = std::isnan(logits[id]) ? -INFINITY : logits[id];
    candidates_.push_back({static_cast<TokenId>(id), logit, 0});
    std::ranges::push_heap(candidates_, Likelier);
    least = candidates_.front().logit;
  }
  std::ranges::sort_heap(candidates_, Likelier);
}

// Leaves the candidates whose information is nearest to the entropy, of typical_p together.
void Sampler::KeepTypical() {
  double total = 0;
  for (const Candidate& c : candidates_) total += c.weight;
  double entropy = 0;
  const auto information = [&](const Candidate& c) { return -std::log(c.weight / total); };
  for (const Candidate& c : candidates_) {
    if (c.weight > 0) entropy += c.weight / total * information(c);
  }
  const auto distance = [&](const Candidate& c) {
    return c.weight > 0 ? std::abs(information(c) - entropy) : INFINITY;
  };
  std::ranges::sort(candidates_, [&](const Candidate& a, const Candidate& b) {
    const double left = distance(a), right = distance(b);
    return left != right ? left < right : a.id < b.id;
  });
  double sum = 0;
  size_t kept = 0;
  while (kept < candidates_.size() && sum < params_.typical_p * total) {
    sum += candidates_[kept++].weight;
  }
  candidates_.resize(std::max<size_t>(kept, 1));
}

void Sampler::ExcludeTop() {
  // Drawn whether it comes to anything or not: the draws of equal seeds stay in step.
  if (NextUniform(state_) >= params_.xtc_probability) return;
  double total = 0;
  for (const Candidate& c : candidates_) total += c.weight;
  const double enough = params_.xtc_threshold * total;
  const Candidate* least = nullptr;
  for (const Candidate& c : candidates_) {
    if (c.weight >= enough && (least == nullptr || Likelier(*least, c))) least = &c;
  }
  if (least == nullptr) return;
  const TokenId kept = least->id;
  std::erase_if(candidates_,
                [&](const Candidate& c) { return c.weight >= enough && c.id != kept; });
}

TokenId Sampler::Draw(std::span<const float> logits, const TokenSet* allowed) {
  if (allowed != nullptr && allowed->kind == TokenSet::Kind::kOne) return allowed->one;
  if (allowed == nullptr && params_.temperature == 0) return LargestOf(logits);
  const bool only_top = params_.top_k != 0 && params_.top_k < logits.size();
  if (allowed == nullptr && only_top) {
    GatherTop(logits);
  } else {
    Gather(logits, allowed);
  }
  assert(!candidates_.empty());
  if (params_.temperature == 0) {
    const Candidate* best = &candidates_[0];
    for (const Candidate& c : candidates_) {
      if (c.logit > best->logit || (c.logit == best->logit && c.id < best->id)) best = &c;
    }
    return best->id;
  }
  if (params_.top_k != 0 && params_.top_k < candidates_.size()) {
    Order(params_.top_k);
    candidates_.resize(params_.top_k);
  }
  const double all = Weigh();
  if (params_.top_p < 1.0f) KeepMass(params_.top_p * all);
  if (params_.min_p > 0.0f) {
    std::erase_if(candidates_, [&](const Candidate& c) { return c.weight < params_.min_p; });
  }
  if (params_.typical_p < 1.0f) KeepTypical();
  if (params_.xtc_probability > 0.0f) ExcludeTop();
  double total = 0;
  for (const Candidate& c : candidates_) total += c.weight;
  double at = NextUniform(state_) * total;
  // Rounding may leave a rest behind the last one that has any weight.
  TokenId drawn = candidates_.back().id;
  for (const Candidate& c : candidates_) {
    if (c.weight == 0) continue;
    drawn = c.id;
    if (at < c.weight) break;
    at -= c.weight;
  }
  return drawn;
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
