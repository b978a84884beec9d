// ExpertPicks: which experts each token of a batch goes to, and in which order their rows lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "model/model_config.h"

namespace hearth::model {

struct ExpertPicks {
  struct Pick {
    uint32_t expert = 0;
    float weight = 0;
    size_t row = 0;
  };
  // Rows [first, first + count) belong to one expert.
  struct Group {
    uint32_t expert = 0;
    size_t first = 0;
    size_t count = 0;
  };

  size_t n_used = 0;
  std::vector<Pick> picks;           // [tokens][n_used], best first
  std::vector<size_t> token_of_row;  // [tokens * n_used], rows by expert, then by token
  std::vector<Group> groups;         // experts that somebody picked

  const Pick& of(size_t token, size_t pick) const { return picks[token * n_used + pick]; }

  // scores(t): the router's n_experts outputs for token t. Of equal ones the first is better.
  void Choose(const ExpertConfig& config, size_t n_tokens,
              const std::function<const float*(size_t)>& scores);

 private:
  std::vector<uint32_t> order_;  // experts, the picked ones in front
  std::vector<size_t> next_;     // by expert: the next free row of its group
};

}  // namespace hearth::model
