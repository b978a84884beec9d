// Which tokens of a pass attend how: those of a sequence that has many in it by tiles
// (flash_attention.cuh), others one by one, by chunks of positions (attention.cuh). The two round
// differently; within each a token's result does not depend on what else is in the pass. Pure
// functions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "model/backend/backend.h"

namespace hearth::model::cuda {

constexpr uint32_t kFlashTokens = 16;

// Tokens [first, first + count): of one sequence where `many`.
struct AttentionRun {
  uint32_t first = 0;
  uint32_t count = 0;
  uint32_t longest = 0;  // context of one of them
  bool many = false;

  bool operator==(const AttentionRun&) const = default;
};

// In order, neighbouring sequences of few tokens together.
inline std::vector<AttentionRun> PlanAttention(std::span<const BatchSequence> sequences) {
  std::vector<AttentionRun> runs;
  for (const BatchSequence& sequence : sequences) {
    const uint32_t context = sequence.start + sequence.count;
    const bool many = sequence.count >= kFlashTokens;
    if (!many && !runs.empty() && !runs.back().many &&
        runs.back().first + runs.back().count == sequence.first) {
      runs.back().count += sequence.count;
      runs.back().longest = std::max(runs.back().longest, context);
    } else {
      runs.push_back({sequence.first, sequence.count, context, many});
    }
  }
  return runs;
}

}  // namespace hearth::model::cuda
