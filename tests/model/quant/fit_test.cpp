#include "model/quant/fit.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

namespace hearth::model::blocks {
namespace {

std::vector<float> Numbers(size_t n, uint64_t seed) {
  std::vector<float> values(n);
  for (float& value : values) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<float>(seed >> 40) * 0x1p-23f - 1.0f;
  }
  return values;
}

TEST_CASE("levels are rounded and stay in their range") {
  CHECK(NearestLevel(2.4f, -8, 7) == 2);
  CHECK(NearestLevel(2.6f, -8, 7) == 3);
  CHECK(NearestLevel(-8.6f, -8, 7) == -8);
  CHECK(NearestLevel(1e30f, -8, 7) == 7);
  CHECK(NearestLevel(-1e30f, -8, 7) == -8);
  CHECK(NearestLevel(std::numeric_limits<float>::quiet_NaN(), -8, 7) == -8);
}

TEST_CASE("a scale is as good as the best of many") {
  for (uint64_t seed = 1; seed < 20; ++seed) {
    const auto x = Numbers(16, seed);
    const auto w = [&] {
      auto weights = Numbers(16, seed + 100);
      for (float& weight : weights) weight = weight * weight + 0.01f;
      return weights;
    }();
    const float scale = FitScale(x.data(), w.data(), 16, -8, 7);
    const float error = AffineError(x.data(), w.data(), 16, {scale, 0}, -8, 7);
    float best = std::numeric_limits<float>::infinity();
    for (int i = -4000; i <= 4000; ++i) {
      if (i == 0) continue;
      const float other = static_cast<float>(i) * 1e-4f;
      best = std::min(best, AffineError(x.data(), w.data(), 16, {other, 0}, -8, 7));
    }
    CAPTURE(seed, scale);
    CHECK(error <= 1.35f * best);
  }
}

TEST_CASE("scale and minimum beat the stretch from least to most") {
  for (uint64_t seed = 1; seed < 40; ++seed) {
    auto x = Numbers(32, seed);
    for (float& v : x) v = v * v * v + 0.2f;
    const std::vector<float> w(32, 1.0f);
    const auto [least, most] = std::minmax_element(x.begin(), x.end());
    const Affine plain = {(*most - *least) / 15, *least};
    const Affine fit = FitAffine(x.data(), w.data(), 32, 15, false);
    CHECK(AffineError(x.data(), w.data(), 32, fit, 0, 15) <=
          AffineError(x.data(), w.data(), 32, plain, 0, 15));
    CHECK(FitAffine(x.data(), w.data(), 32, 15, true).minimum <= 0);
  }
  const std::vector<float> above(32, 0.5f);
  const std::vector<float> w(32, 1.0f);
  const Affine flat = FitAffine(above.data(), w.data(), 32, 15, false);
  CHECK(flat.scale == 0);
  CHECK(flat.minimum == 0.5f);
  const Affine below = FitAffine(above.data(), w.data(), 32, 15, true);
  CHECK(below.minimum == 0);
  CHECK(AffineError(above.data(), w.data(), 32, below, 0, 15) < 1e-9f);
}

TEST_CASE("nothing but zeros has no scale") {
  const std::vector<float> zeros(16);
  const std::vector<float> w(16, 1.0f);
  CHECK(FitScale(zeros.data(), w.data(), 16, -8, 7) == 0);
}

}  // namespace
}  // namespace hearth::model::blocks
