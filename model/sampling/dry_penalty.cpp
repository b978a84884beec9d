#include "model/sampling/dry_penalty.h"

#include <algorithm>
#include <cmath>

namespace hearth::model {

DryPenalty::DryPenalty(const SamplingParams& params)
    : multiplier_(params.dry_multiplier),
      base_(params.dry_base),
      allowed_length_(params.dry_allowed_length),
      window_(params.dry_multiplier > 0 ? params.dry_window : 0) {
  if (window_ == 0) return;
  breakers_ = params.dry_breakers;
  std::ranges::sort(breakers_);
}

bool DryPenalty::IsBreaker(TokenId token) const {
  return std::ranges::binary_search(breakers_, token);
}

void DryPenalty::Observe(TokenId token) {
  if (window_ == 0) return;
  if (recent_.size() == 2 * window_) {
    recent_.erase(recent_.begin(), recent_.begin() + static_cast<ptrdiff_t>(window_));
  }
  recent_.push_back(token);
}

// The Z-function of the text read backwards (Main & Lorentz, 1984).
void DryPenalty::CountEqual(std::span<const TokenId> text) {
  const size_t n = text.size();
  const auto at = [&](size_t i) { return text[n - 1 - i]; };
  equal_.assign(n, 0);
  size_t left = 0, right = 0;  // the match that reaches farthest back
  for (size_t i = 1; i < n; ++i) {
    size_t equal = i < right ? std::min(right - i, equal_[i - left]) : 0;
    while (i + equal < n && at(equal) == at(i + equal)) ++equal;
    equal_[i] = equal;
    if (i + equal > right) {
      left = i;
      right = i + equal;
    }
  }
}

void DryPenalty::Changes(std::vector<LogitChange>& out) {
  if (window_ == 0) return;
  const std::span<const TokenId> all(recent_);
  const auto text = all.last(std::min(all.size(), window_));
  size_t unbroken = 0;  // tokens at the end without a breaker
  while (unbroken < text.size() && !IsBreaker(text[text.size() - 1 - unbroken])) ++unbroken;
  if (unbroken < allowed_length_) return;
  CountEqual(text);
  longest_.clear();
  for (size_t i = 1; i < text.size(); ++i) {
    const size_t length = std::min(equal_[i], unbroken);
    if (length < allowed_length_) continue;
    const TokenId next = text[text.size() - i];
    const auto known = std::ranges::find(longest_, next, &std::pair<TokenId, size_t>::first);
    if (known == longest_.end()) {
      longest_.emplace_back(next, length);
    } else {
      known->second = std::max(known->second, length);
    }
  }
  constexpr float kMost = 1e6f;  // as good as never, and finite
  for (const auto& [token, length] : longest_) {
    const auto beyond = static_cast<float>(length - allowed_length_);
    const float lost = std::min(multiplier_ * std::pow(base_, beyond), kMost);
    out.push_back({token, LogitChange::Round::kDry, -lost});
  }
}

}  // namespace hearth::model
