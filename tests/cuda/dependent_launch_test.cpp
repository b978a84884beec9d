// Kernels that start before those ahead of them have ended.
#include "model/backend/cuda/dependent_launch.cuh"

#include <catch2/catch.hpp>
#include <vector>

#include "model/backend/cuda/device_array.h"
#include "tests/cuda/on_device.h"

namespace hearth::model::cuda {
namespace {

constexpr unsigned kThreads = 64;
constexpr unsigned kBlocks = 500;

// to[i] = the sum of `from`, by turns: each thread reads what all threads of the kernel before
// wrote, and the kernel after it overwrites what it reads.
__global__ void SumOfAll(const unsigned* from, unsigned* to) {
  BeginKernel();
  unsigned sum = 1;
  for (unsigned b = 0; b < kBlocks; ++b) sum += from[b * kThreads + threadIdx.x] % 1021;
  to[blockIdx.x * kThreads + threadIdx.x] = sum;
}

TEST_CASE("a kernel sees what those ahead wrote, and spares what they read") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  constexpr unsigned kTurns = test::kOnDevice ? 1000 : 4;
  DeviceArray<unsigned> values[2];
  const std::vector<unsigned> zeros(kBlocks * kThreads);
  for (auto& array : values) array.Upload(*device, zeros);
  for (unsigned turn = 0; turn < kTurns; ++turn) {
    Launch(*device, &SumOfAll, dim3(kBlocks), dim3(kThreads), values[turn % 2].data(),
           values[(turn + 1) % 2].data());
  }
  std::vector<unsigned> result(kBlocks * kThreads);
  device->Note(cudaMemcpyAsync(result.data(), values[kTurns % 2].data(),
                               result.size() * sizeof(unsigned), cudaMemcpyDeviceToHost,
                               device->stream()));
  device->Wait();
  REQUIRE(device->usable());
  unsigned expected = 0;
  for (unsigned turn = 0; turn < kTurns; ++turn) expected = 1 + kBlocks * (expected % 1021);
  CHECK(result == std::vector<unsigned>(kBlocks * kThreads, expected));
}

#ifndef HEARTH_CUDA_ON_DEVICE
// Reads what another kernel wrote before it waits for that.
__global__ void ReadsTooEarly(const unsigned* from, unsigned* to) {
  const unsigned value = from[threadIdx.x];
  BeginKernel();
  to[threadIdx.x] = value;
}
__global__ void Write(unsigned value, unsigned* to) {
  BeginKernel();
  to[threadIdx.x] = value;
}

TEST_CASE("on the host what is read before the wait is what was there before the kernel ahead") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  const test::OverlappingLaunches overlapping;
  int too_early = 0;
  for (int round = 0; round < 2; ++round) {  // in one of them the two launches are a pair
    std::vector<unsigned> values(kThreads), seen(kThreads);
    Launch(*device, &Write, dim3(1), dim3(kThreads), 7u, values.data());
    Launch(*device, &ReadsTooEarly, dim3(1), dim3(kThreads), values.data(), seen.data());
    device->Wait();
    CHECK(values == std::vector<unsigned>(kThreads, 7));
    if (seen != values) {
      ++too_early;
      CHECK(seen == std::vector<unsigned>(kThreads, 0));
    }
  }
  CHECK(too_early == 1);
}

int complaints = 0;

__global__ void WaitsIn(unsigned threads) {
  if (threadIdx.x < threads) BeginKernel();
}

TEST_CASE("on the host a thread that never waits for the kernels ahead is told on") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  REQUIRE(device->starts_early());
  const auto before = std::exchange(cuda_on_host::complain, [](const char*) { ++complaints; });
  Launch(*device, &WaitsIn, dim3(2), dim3(kThreads), kThreads);
  CHECK(complaints == 0);
  Launch(*device, &WaitsIn, dim3(2), dim3(kThreads), kThreads - 3);
  CHECK(complaints == 2 * 3);
  cuda_on_host::complain = before;
}
#endif

}  // namespace
}  // namespace hearth::model::cuda
