// Products with every type of weights, run on the host, beside double precision.
#include "model/backend/cuda/products.cuh"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "model/backend/cuda/visit_types.h"
#include "tests/cuda/random_products.h"

namespace hearth::model::cuda {
namespace {

constexpr unsigned kRows = 11;
constexpr unsigned kCols = 1280;

// Through each kernel that takes few rows.
template <unsigned kPerWarp, unsigned kTile>
void Multiply(Device& device, const MatrixParts& parts, const ActivationRows& x, unsigned n,
              float* out, size_t stride, bool add) {
  constexpr unsigned kPerBlock = kProductWarps * kPerWarp;
  unsigned blocks = 0;
  for (unsigned p = 0; p < parts.n; ++p) {
    blocks += (parts.part[p].rows + kPerBlock - 1) / kPerBlock;
  }
  VisitHeld(parts.part[0].type, [&]<TensorType kType>() {
    Launch(device, &MultiplyRows<kType, kPerWarp, kTile>, dim3(blocks, (n + kTile - 1) / kTile),
           dim3(kProductWarps * kLanes), parts, x, n, out, stride, add);
  });
}

void CheckProducts(TensorType type, const std::vector<std::byte>& file, unsigned n) {
  CAPTURE(GetTensorType(type).name, n);
  auto device = Device::Open();
  REQUIRE(device.ok());
  std::mt19937 random(n);
  std::normal_distribution<float> normal;
  std::vector<float> x(n * kCols);
  for (float& v : x) v = normal(random);
  const Weights weights(*device, type, file, kRows, kCols);
  const Inputs inputs(*device, x, kCols);
  const MatrixParts parts{{weights.view}, {0}, 1};
  for (const bool add : {false, true}) {
    std::vector<float> out(n * kRows, 1.5f);
    Multiply<2, 4>(*device, parts, inputs.view, n, out.data(), kRows, add);
    // Whatever a warp takes at once, the bits are the same.
    std::vector<float> one(n * kRows, 1.5f);
    Multiply<2, 1>(*device, parts, inputs.view, n, one.data(), kRows, add);
    CHECK(one == out);
    std::vector<float> eight(n * kRows, 1.5f);
    Multiply<4, 8>(*device, parts, inputs.view, n, eight.data(), kRows, add);
    CHECK(eight == out);
    for (size_t t = 0; t < n; ++t) {
      for (size_t r = 0; r < kRows; ++r) {
        double sum = add ? 1.5 : 0.0;
        double absolute = 0;
        for (size_t c = 0; c < kCols; ++c) {
          const double term = static_cast<double>(weights.floats[r * kCols + c]) * x[t * kCols + c];
          sum += term;
          absolute += std::fabs(weights.floats[r * kCols + c]);
        }
        CAPTURE(t, r, sum, out[t * kRows + r]);
        // Activations of up to about 4 are rounded to steps of 4 / (127 * 128).
        REQUIRE(std::fabs(out[t * kRows + r] - sum) < 2e-4 * absolute);
      }
    }
  }
}

TEST_CASE("products of every type are those of double precision within their rounding") {
  std::mt19937 random(7);
  for (const unsigned n : {1u, 4u, 11u}) {
    for (const Kind& kind : kKinds) {
      CheckProducts(kind.type, RandomFile(kind, kRows * kCols, random), n);
    }
    for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16}) {
      CheckProducts(type, RandomFloats(type, kRows * kCols, random), n);
    }
  }
}

TEST_CASE("a row that is not finite gives products that are not") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  for (const float bad : {NAN, INFINITY}) {
    std::vector<float> x(kCols, 1.0f);
    x[40] = bad;
    const Inputs inputs(*device, x, kCols);
    std::mt19937 random(3);
    const auto file = RandomFile(kKinds[0], kRows * kCols, random);
    const Weights weights(*device, TensorType::kQ4_0, file, kRows, kCols);
    std::vector<float> out(kRows);
    Multiply<2, 1>(*device, {{weights.view}, {0}, 1}, inputs.view, 1, out.data(), kRows, false);
    for (const float v : out) CHECK_FALSE(std::isfinite(v));
  }
}

TEST_CASE("parts of a joined matrix in one launch are the parts") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  std::vector<float> x(3 * kCols);
  for (float& v : x) v = normal(random);
  const Inputs inputs(*device, x, kCols);
  const Kind& kind = kKinds[5];
  const auto file = RandomFile(kind, 40 * kCols, random);
  const Weights whole(*device, kind.type, file, 40, kCols);
  const MatrixParts parts{
      {RowsOf(whole.view, 0, 9), RowsOf(whole.view, 9, 1), RowsOf(whole.view, 10, 30)},
      {0, 9, 10},
      3};
  std::vector<float> together(3 * 40);
  Multiply<2, 4>(*device, parts, inputs.view, 3, together.data(), 40, false);
  std::vector<float> alone(3 * 40);
  Multiply<2, 4>(*device, {{whole.view}, {0}, 1}, inputs.view, 3, alone.data(), 40, false);
  CHECK(together == alone);
}

TEST_CASE("gate and up with their activation in one launch are these one after the other") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  constexpr unsigned kInner = 64;
  std::mt19937 random(6);
  std::normal_distribution<float> normal;
  std::vector<float> x(kCols);
  for (float& v : x) v = normal(random);
  const Inputs inputs(*device, x, kCols);
  const auto check = [&](TensorType type, const std::vector<std::byte>& file, bool gelu) {
    const Weights weights(*device, type, file, 2 * kInner, kCols);
    std::vector<float> gate_up(2 * kInner);
    Multiply<2, 1>(*device, {{weights.view}, {0}, 1}, inputs.view, 1, gate_up.data(), 2 * kInner,
                   false);
    const Inputs apart(*device, std::vector<float>(kInner), kInner);
    const Inputs fused(*device, std::vector<float>(kInner), kInner);
    const PackedMatrix gate = RowsOf(weights.view, 0, kInner);
    const PackedMatrix up = RowsOf(weights.view, kInner, kInner);
    const auto prepare = [&](auto kernel, auto source) {
      Launch(*device, kernel, dim3(1), dim3(kRowThreads), source, apart.view,
             RowForms{.rounded = true});
    };
    gelu ? prepare(&PrepareRows<GatedRow<true>>, GatedRow<true>{gate_up.data(), 0})
         : prepare(&PrepareRows<GatedRow<false>>, GatedRow<false>{gate_up.data(), 0});
    VisitHeld(HeldAs(type), [&]<TensorType kType>() {
      Launch(*device, gelu ? &MultiplyGated<kType, true> : &MultiplyGated<kType, false>,
             dim3(kInner / kUnit), dim3(kGatedWarps * kLanes), gate, up, inputs.view, fused.view,
             true);
    });
    CAPTURE(GetTensorType(type).name, gelu);
    const ActivationRows& a = apart.view;
    const ActivationRows& b = fused.view;
    CHECK(std::any_of(a.floats, a.floats + kInner, [](float v) { return v != 0; }));
    CHECK(std::equal(a.floats, a.floats + kInner, b.floats));
    CHECK(std::equal(a.high, a.high + kInner, b.high));
    CHECK(std::equal(a.low, a.low + kInner, b.low));
    CHECK(std::equal(a.scales, a.scales + kInner / kUnit, b.scales));
    CHECK(a.sums[1].x == b.sums[1].x);
    CHECK(a.sums[1].y == b.sums[1].y);
  };
  for (const bool gelu : {false, true}) {
    for (const Kind& kind : kKinds) {
      check(kind.type, RandomFile(kind, 2 * kInner * kCols, random), gelu);
    }
    check(TensorType::kBF16, RandomFloats(TensorType::kBF16, 2 * kInner * kCols, random), gelu);
  }
}

}  // namespace
}  // namespace hearth::model::cuda
