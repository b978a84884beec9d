#include "model/backend/expert_picks.h"

#include <algorithm>
#include <cmath>

namespace hearth::model {

void ExpertPicks::Choose(const ExpertConfig& config, size_t n_tokens,
                         const std::function<const float*(size_t)>& scores) {
  n_used = config.n_used;
  picks.resize(n_tokens * n_used);
  token_of_row.resize(picks.size());
  groups.assign(config.n_experts, {});
  order_.resize(config.n_experts);
  for (size_t t = 0; t < n_tokens; ++t) {
    const float* const score = scores(t);
    for (uint32_t e = 0; e < config.n_experts; ++e) order_[e] = e;
    std::partial_sort(order_.begin(), order_.begin() + static_cast<ptrdiff_t>(n_used), order_.end(),
                      [&](uint32_t a, uint32_t b) {
                        return score[a] > score[b] || (score[a] == score[b] && a < b);
                      });
    float sum = 0;
    for (size_t p = 0; p < n_used; ++p) {
      const float weight = std::exp(score[order_[p]] - score[order_[0]]);
      picks[t * n_used + p] = {.expert = order_[p], .weight = weight};
      sum += weight;
      ++groups[order_[p]].count;
    }
    for (size_t p = 0; p < n_used; ++p) picks[t * n_used + p].weight /= sum;
  }
  size_t first = 0;
  for (uint32_t e = 0; e < config.n_experts; ++e) {
    groups[e].expert = e;
    groups[e].first = first;
    first += groups[e].count;
  }
  next_.resize(config.n_experts);
  for (uint32_t e = 0; e < config.n_experts; ++e) next_[e] = groups[e].first;
  for (size_t i = 0; i < picks.size(); ++i) {
    picks[i].row = next_[picks[i].expert]++;
    token_of_row[picks[i].row] = i / n_used;
  }
  std::erase_if(groups, [](const Group& group) { return group.count == 0; });
}

}  // namespace hearth::model
