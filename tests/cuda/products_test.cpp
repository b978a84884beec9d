// Products with every type of weights beside double precision.
#include "model/backend/cuda/products.cuh"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "tests/cuda/managed.h"
#include "tests/cuda/random_products.h"

namespace hearth::model::cuda {
namespace {

constexpr unsigned kRows = 11;
constexpr unsigned kCols = 1280;

using Kernel = void (*)(PackedMatrix, ActivationRows, unsigned, float*, size_t, bool);
struct Kernels {
  Kernel one, several;
};
template <TensorType kType>
Kernels Quantized() {
  return {&MultiplyQuantized<kType, 1>, &MultiplyQuantized<kType, 4>};
}
template <TensorType kType>
Kernels Floats() {
  return {&MultiplyFloats<kType, 1>, &MultiplyFloats<kType, 4>};
}
Kernels KernelsOf(TensorType held) {
  switch (held) {
    case TensorType::kQ4_0:
      return Quantized<TensorType::kQ4_0>();
    case TensorType::kQ4_1:
      return Quantized<TensorType::kQ4_1>();
    case TensorType::kQ5_0:
      return Quantized<TensorType::kQ5_0>();
    case TensorType::kQ5_1:
      return Quantized<TensorType::kQ5_1>();
    case TensorType::kQ8_0:
      return Quantized<TensorType::kQ8_0>();
    case TensorType::kQ4_K:
      return Quantized<TensorType::kQ4_K>();
    case TensorType::kQ5_K:
      return Quantized<TensorType::kQ5_K>();
    case TensorType::kQ6_K:
      return Quantized<TensorType::kQ6_K>();
    case TensorType::kF32:
      return Floats<TensorType::kF32>();
    case TensorType::kBF16:
      return Floats<TensorType::kBF16>();
    default:
      return Floats<TensorType::kF16>();
  }
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
  const Kernels kernels = KernelsOf(HeldAs(type));
  const unsigned per_block = kProductWarps * kMatrixRows;
  const unsigned tile = n == 1 ? 1 : 4;
  for (const bool add : {false, true}) {
    test::ManagedVector<float> out(n * kRows, 1.5f);
    Launch(*device, n == 1 ? kernels.one : kernels.several,
           dim3((kRows + per_block - 1) / per_block, (n + tile - 1) / tile),
           dim3(kProductWarps * kLanes), weights.view, inputs.view, n, out.data(), size_t{kRows},
           add);
    device->Wait();
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
  for (const unsigned n : {1u, 4u, 6u}) {
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
    test::ManagedVector<float> out(kRows);
    Launch(*device, &MultiplyQuantized<TensorType::kQ4_0, 1>, dim3(2), dim3(kProductWarps * kLanes),
           weights.view, inputs.view, 1u, out.data(), size_t{kRows}, false);
    device->Wait();
    for (const float v : out) CHECK_FALSE(std::isfinite(v));
  }
}

}  // namespace
}  // namespace hearth::model::cuda
