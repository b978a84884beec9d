#include "model/engine/step_cost.h"

#include <catch2/catch.hpp>
#include <random>

namespace hearth::model {
namespace {

TEST_CASE("nothing is known before something was measured, and then everything fits") {
  const StepCost cost;
  CHECK(cost.Predict(10) == 0);
  CHECK(cost.MostWithin(0.01, 3, 512) == 512);
}

TEST_CASE("between sizes that were seen costs are in between") {
  StepCost cost;
  cost.Observe(1, 0.002);
  cost.Observe(8, 0.009);
  CHECK(cost.Predict(1) == Approx(0.002));
  CHECK(cost.Predict(8) == Approx(0.009));
  CHECK(cost.Predict(4) == Approx(0.005));
  CHECK(cost.Predict(1000) > 0.5);
  CHECK(cost.MostWithin(0.005, 0, 100) == 4);
  CHECK(cost.MostWithin(0.005, 3, 100) == 1);
  CHECK(cost.MostWithin(0.0001, 3, 100) == 0);
}

TEST_CASE(
    "measurements that scatter come to their mean, and one that was interrupted does little") {
  StepCost cost;
  std::mt19937 random(1);
  const auto seconds = [&](uint32_t tokens) {
    return (1e-3 + tokens * 2e-4) * (0.9 + 0.2 * static_cast<double>(random() % 1000) / 1000);
  };
  for (int i = 0; i < 2000; ++i) {
    const uint32_t tokens = 1 + random() % 300;
    cost.Observe(tokens, seconds(tokens));
  }
  for (const uint32_t tokens : {1u, 5u, 17u, 40u, 100u, 290u}) {
    CHECK(cost.Predict(tokens) == Approx(1e-3 + tokens * 2e-4).epsilon(0.15));
  }
  const double before = cost.Predict(5);
  cost.Observe(5, 1.0);
  CHECK(cost.Predict(5) < 1.3 * before);
}

TEST_CASE("a machine that slows down moves the sizes that are not measured as well") {
  StepCost cost;
  cost.Observe(1, 0.001);
  cost.Observe(64, 0.01);
  for (int i = 0; i < 200; ++i) cost.Observe(1, 0.002);
  CHECK(cost.Predict(1) == Approx(0.002).epsilon(0.05));
  CHECK(cost.Predict(64) > 0.0115);
}

}  // namespace
}  // namespace hearth::model
