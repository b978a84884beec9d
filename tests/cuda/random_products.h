// Random weights of every type and activations on the device: what tests of products share.
#pragma once

#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/rows.cuh"
#include "model/quant.h"

namespace hearth::model::cuda {

// Where a block has F16 numbers: set to ordinary ones, the rest is random bytes.
struct Kind {
  TensorType type;
  std::vector<size_t> halves;
};
inline const Kind kKinds[] = {
    {TensorType::kQ4_0, {0}},    {TensorType::kQ4_1, {0, 2}}, {TensorType::kQ5_0, {0}},
    {TensorType::kQ5_1, {0, 2}}, {TensorType::kQ8_0, {0}},    {TensorType::kQ4_K, {0, 2}},
    {TensorType::kQ5_K, {0, 2}}, {TensorType::kQ6_K, {208}},  {TensorType::kQ3_K, {108}}};

inline std::vector<std::byte> RandomFile(const Kind& kind, size_t elements, std::mt19937& random) {
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
inline std::vector<std::byte> RandomFloats(TensorType type, size_t elements, std::mt19937& random) {
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

// A matrix of the device, and its weights as floats.
struct Weights {
  std::vector<float> floats;
  DeviceArray<uint8_t> memory;
  PackedMatrix view;

  Weights(Device& device, TensorType type, const std::vector<std::byte>& file, size_t rows,
          size_t cols)
      : floats(rows * cols) {
    Dequantize(type, file, floats);
    const TensorType held = HeldAs(type);
    std::vector<uint8_t> packed(PackedBytes(held, rows, cols));
    Pack(type, rows, cols, file, packed.data());
    memory.Upload(device, packed);
    device.Wait();
    view = ViewOf(held, rows, cols, memory.data());
  }
};

// Rows of activations, in all forms.
struct Inputs {
  DeviceArray<float> in, floats, scales, row_scales;
  DeviceArray<int8_t> high, low;
  DeviceArray<int2> sums;
  DeviceArray<uint16_t> halves;
  ActivationRows view;

  Inputs(Device& device, const std::vector<float>& x, unsigned cols) {
    in.Upload(device, x);
    floats.Reserve(device, x.size());
    high.Reserve(device, x.size());
    low.Reserve(device, x.size());
    scales.Reserve(device, x.size() / kUnit);
    sums.Reserve(device, x.size() / kUnit);
    halves.Reserve(device, x.size());
    row_scales.Reserve(device, x.size() / cols);
    view = {cols,          floats.data(), high.data(),   low.data(),
            scales.data(), sums.data(),   halves.data(), row_scales.data()};
    Launch(device, &PrepareRows<NormedRow>, dim3(static_cast<unsigned>(x.size() / cols)),
           dim3(kRowThreads), NormedRow{in.data(), nullptr, nullptr, 0, 1}, view,
           RowForms{.rounded = true, .halves = true});
  }
};

}  // namespace hearth::model::cuda
