#include "model/backend/cuda/attention_plan.h"

#include <catch2/catch.hpp>

namespace hearth::model::cuda {
namespace {

TEST_CASE("tokens that come few at a time go together, many of a sequence by themselves") {
  const std::vector<BatchSequence> sequences = {
      {.first = 0, .count = 1, .start = 40},                // decodes
      {.first = 1, .count = kFlashTokens - 1, .start = 0},  // drafts
      {.first = 16, .count = kFlashTokens, .start = 5},     // prompts
      {.first = 32, .count = 100, .start = 0},
      {.first = 132, .count = 1, .start = 9},
  };
  CHECK(PlanAttention(sequences) ==
        std::vector<AttentionRun>{
            {0, 16, 41, false}, {16, 16, 21, true}, {32, 100, 100, true}, {132, 1, 10, false}});
  CHECK(PlanAttention({}).empty());
}

TEST_CASE("tokens that do not follow each other are apart") {
  const std::vector<BatchSequence> sequences = {{.first = 4, .count = 2}, {.first = 0, .count = 4}};
  CHECK(PlanAttention(sequences).size() == 2);
}

}  // namespace
}  // namespace hearth::model::cuda
