#include "model/backend/expert_picks.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace hearth::model {
namespace {

TEST_CASE("tokens go to their best experts, rows lie by expert") {
  const std::vector<std::vector<float>> scores = {
      {0.0f, 2.0f, 1.0f, -1.0f}, {5.0f, 5.0f, 5.0f, 5.0f}, {-9.0f, 1.0f, -8.0f, 3.0f}};
  ExpertPicks picks;
  picks.Choose({.n_experts = 4, .n_used = 2}, 3, [&](size_t t) { return scores[t].data(); });
  const auto expert = [&](size_t t, size_t p) { return picks.of(t, p).expert; };
  CHECK(expert(0, 0) == 1);
  CHECK(expert(0, 1) == 2);
  // Of equal ones the first.
  CHECK(expert(1, 0) == 0);
  CHECK(expert(1, 1) == 1);
  CHECK(expert(2, 0) == 3);
  CHECK(expert(2, 1) == 1);
  CHECK(picks.of(0, 0).weight == Approx(1 / (1 + std::exp(-1.0))));
  CHECK(picks.of(1, 1).weight == Approx(0.5));
  for (size_t t = 0; t < 3; ++t) {
    CHECK(picks.of(t, 0).weight + picks.of(t, 1).weight == Approx(1));
    for (size_t p = 0; p < 2; ++p) CHECK(picks.token_of_row[picks.of(t, p).row] == t);
  }
  REQUIRE(picks.groups.size() == 4);
  size_t row = 0;
  for (const ExpertPicks::Group& group : picks.groups) {
    CHECK(group.first == row);
    for (size_t i = 0; i < group.count; ++i, ++row) {
      const size_t t = picks.token_of_row[row];
      CHECK((expert(t, 0) == group.expert || expert(t, 1) == group.expert));
    }
  }
  CHECK(row == 6);
}

TEST_CASE("experts that nobody picked have no group, and one call forgets the last") {
  const std::vector<float> scores = {1.0f, 0.0f, 3.0f};
  ExpertPicks picks;
  picks.Choose({.n_experts = 3, .n_used = 3}, 4, [&](size_t) { return scores.data(); });
  CHECK(picks.groups.size() == 3);
  picks.Choose({.n_experts = 3, .n_used = 1}, 1, [&](size_t) { return scores.data(); });
  REQUIRE(picks.groups.size() == 1);
  CHECK(picks.groups[0].expert == 2);
  CHECK(picks.groups[0].count == 1);
  CHECK(picks.of(0, 0).weight == 1.0f);
}

}  // namespace
}  // namespace hearth::model
