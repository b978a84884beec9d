// Products with every type of weights beside double precision.
#include "model/backend/cuda/products.cuh"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/rows.cuh"
#include "model/quant.h"
#include "tests/cuda/managed.h"

namespace hearth::model::cuda {
namespace {

// Where a block has F16 numbers: set to ordinary ones, the rest is random bytes.
struct Kind {
  TensorType type;
  std::vector<size_t> halves;
};
const Kind kKinds[] = {
    {TensorType::kQ4_0, {0}},    {TensorType::kQ4_1, {0, 2}}, {TensorType::kQ5_0, {0}},
    {TensorType::kQ5_1, {0, 2}}, {TensorType::kQ8_0, {0}},    {TensorType::kQ4_K, {0, 2}},
    {TensorType::kQ5_K, {0, 2}}, {TensorType::kQ6_K, {208}},  {TensorType::kQ3_K, {108}}};

std::vector<std::byte> RandomFile(const Kind& kind, size_t elements, std::mt19937& random) {
  std::normal_distribution<float> normal;
  const TensorTypeInfo& info = GetTensorType(kind.type);
  std::vector<std::byte> file(elements / info.block_elements * info.block_bytes);
  for (std::byte& b : file) b = static_cast<std::byte>(random());
  for (size_t at = 0; at < file.size(); at += info.block_bytes) {
    for (const size_t half : kind.halves) {
      const uint16_t bits = FloatToHalf(normal(random));
      std::memcpy(file.data() + at + half, &bits, 2);
    }
  }
  return file;
}
std::vector<std::byte> RandomFloats(TensorType type, size_t elements, std::mt19937& random) {
  std::normal_distribution<float> normal;
  const size_t size = GetTensorType(type).block_bytes;
  std::vector<std::byte> file(elements * size);
  for (size_t i = 0; i < elements; ++i) {
    const float value = normal(random);
    const uint16_t bits = type == TensorType::kF16 ? FloatToHalf(value) : FloatToBf16(value);
    std::memcpy(file.data() + i * size, size == 4 ? static_cast<const void*>(&value) : &bits, size);
  }
  return file;
}

constexpr unsigned kRows = 11;
constexpr unsigned kCols = 1280;

struct Inputs {
  DeviceArray<float> in, floats, scales;
  DeviceArray<int8_t> high, low;
  DeviceArray<int2> sums;
  ActivationRows view;

  Inputs(Device& device, const std::vector<float>& x) {
    in.Upload(device, x);
    floats.Reserve(device, x.size());
    high.Reserve(device, x.size());
    low.Reserve(device, x.size());
    scales.Reserve(device, x.size() / kUnit);
    sums.Reserve(device, x.size() / kUnit);
    view = {kCols, floats.data(), high.data(), low.data(), scales.data(), sums.data()};
    Launch(device, &PrepareRows<NormedRow>, dim3(static_cast<unsigned>(x.size() / kCols)),
           dim3(kRowThreads), NormedRow{in.data(), nullptr, nullptr, 0, 1}, view, true);
  }
};

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
  std::vector<float> weights(kRows * kCols);
  Dequantize(type, file, weights);
  std::vector<float> x(n * kCols);
  for (float& v : x) v = normal(random);
  const TensorType held = HeldAs(type);
  std::vector<uint8_t> packed(PackedBytes(held, kRows, kCols));
  Pack(type, kRows, kCols, file, packed.data());
  DeviceArray<uint8_t> memory;
  memory.Upload(*device, packed);
  const PackedMatrix m = ViewOf(held, kRows, kCols, memory.data());
  const Inputs inputs(*device, x);
  const Kernels kernels = KernelsOf(held);
  const unsigned per_block = kProductWarps * kMatrixRows;
  const unsigned tile = n == 1 ? 1 : 4;
  for (const bool add : {false, true}) {
    test::ManagedVector<float> out(n * kRows, 1.5f);
    Launch(*device, n == 1 ? kernels.one : kernels.several,
           dim3((kRows + per_block - 1) / per_block, (n + tile - 1) / tile),
           dim3(kProductWarps * kLanes), m, inputs.view, n, out.data(), size_t{kRows}, add);
    device->Wait();
    for (size_t t = 0; t < n; ++t) {
      for (size_t r = 0; r < kRows; ++r) {
        double sum = add ? 1.5 : 0.0;
        double absolute = 0;
        for (size_t c = 0; c < kCols; ++c) {
          const double term = static_cast<double>(weights[r * kCols + c]) * x[t * kCols + c];
          sum += term;
          absolute += std::fabs(weights[r * kCols + c]);
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
    const Inputs inputs(*device, x);
    std::mt19937 random(3);
    const auto file = RandomFile(kKinds[0], kRows * kCols, random);
    std::vector<uint8_t> packed(PackedBytes(TensorType::kQ4_0, kRows, kCols));
    Pack(TensorType::kQ4_0, kRows, kCols, file, packed.data());
    DeviceArray<uint8_t> memory;
    memory.Upload(*device, packed);
    test::ManagedVector<float> out(kRows);
    Launch(*device, &MultiplyQuantized<TensorType::kQ4_0, 1>, dim3(2), dim3(kProductWarps * kLanes),
           ViewOf(TensorType::kQ4_0, kRows, kCols, memory.data()), inputs.view, 1u, out.data(),
           size_t{kRows}, false);
    device->Wait();
    for (const float v : out) CHECK_FALSE(std::isfinite(v));
  }
}

}  // namespace
}  // namespace hearth::model::cuda
