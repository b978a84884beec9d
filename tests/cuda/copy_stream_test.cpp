#include "model/backend/cuda/copy_stream.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/pinned_array.h"
#include "tests/cuda/on_device.h"

namespace hearth::model::cuda {
namespace {

constexpr size_t kInts = 1000;

struct Fixture {
  Fixture() {
    REQUIRE(memory.TryReserve(device, kInts) == cudaSuccess);
    REQUIRE(host.TryReserve(kInts));
    std::iota(host.data(), host.data() + kInts, 0);
  }
  void Up(size_t i) {
    copies.Copy(memory.data() + i, host.data() + i, sizeof(int), cudaMemcpyHostToDevice);
  }
  int OnDevice(size_t i) {
    int value = -1;
    device.Note(cudaMemcpyAsync(&value, memory.data() + i, sizeof(int), cudaMemcpyDeviceToHost,
                                device.stream()));
    device.Wait();
    return value;
  }

  Device device = *Device::Open();
  DeviceArray<int> memory;
  PinnedArray<int> host;
  CopyStream copies{device};
};

TEST_CASE("what waits for a copy finds it made, however many followed") {
  Fixture f;
  for (const size_t n : {1, 3, 64, 65, 500}) {
    const size_t before = f.copies.count();
    for (size_t i = 0; i < n; ++i) f.Up(before + i);
    CHECK(f.copies.count() == before + n);
    f.copies.Await(before + 1);
    CHECK(f.OnDevice(before) == static_cast<int>(before));
    f.copies.Await(before + n);
    CHECK(f.OnDevice(before + n - 1) == static_cast<int>(before + n - 1));
  }
  CHECK(f.device.failure() == cudaSuccess);
}

TEST_CASE("what nobody waits for is made in the end, and Done says when") {
  Fixture f;
  CHECK(f.copies.Done(0));
  for (size_t i = 0; i < 200; ++i) f.Up(i);
#ifndef HEARTH_CUDA_ON_DEVICE  // a device may be as fast
  CHECK_FALSE(f.copies.Done(1));
  CHECK_FALSE(f.copies.Done(200));
  CHECK(f.OnDevice(150) != 150);
#endif
  int asked = 0;
  while (!f.copies.Done(200)) REQUIRE(++asked < 100000000);
  for (size_t i = 0; i < 200; ++i) CHECK(f.OnDevice(i) == static_cast<int>(i));
}

__global__ void WriteOrder(int* out, unsigned n) {
  BeginKernel();
  for (unsigned i = threadIdx.x; i < n; i += blockDim.x) out[i] = static_cast<int>(i);
}

TEST_CASE("a copy comes behind what the device was given before") {
  const test::OverlappingLaunches overlapping;
  Fixture f;
  PinnedArray<int> back;
  REQUIRE(back.TryReserve(kInts));
  Launch(f.device, &WriteOrder, dim3(1), dim3(32), f.memory.data(), unsigned{kInts});
  f.copies.Copy(back.data(), f.memory.data(), kInts * sizeof(int), cudaMemcpyDeviceToHost);
  while (!f.copies.Done(1)) {
  }
  CHECK(std::equal(back.data(), back.data() + kInts, f.host.data()));
}

}  // namespace
}  // namespace hearth::model::cuda
