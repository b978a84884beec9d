#include "model/backend/cuda/cuda_kv.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "tests/cuda/on_device.h"

namespace hearth::model::cuda {
namespace {

constexpr CudaKv::Shape kShape = {KvType::kF16, 2, 3, 16};

// What a pass does: it waits for its blocks, and writes or reads them on the device's stream.
struct Passes {
  uint8_t* At(BlockId block) const {
    return kv.view().data + static_cast<size_t>(block) * kShape.block_bytes();
  }
  void Write(BlockId block, uint8_t value) {
    kv.Await({&block, 1});
    device.Note(cudaMemsetAsync(At(block), value, kShape.block_bytes(), device.stream()));
  }
  // The value that all of a block holds, or -1.
  int Read(BlockId block) {
    kv.Await({&block, 1});
    std::vector<uint8_t> all(kShape.block_bytes());
    device.Note(cudaMemcpyAsync(all.data(), At(block), all.size(), cudaMemcpyDeviceToHost,
                                device.stream()));
    device.Wait();
    return std::ranges::all_of(all, [&](uint8_t x) { return x == all[0]; }) ? all[0] : -1;
  }

  Device& device;
  CudaKv& kv;
};

TEST_CASE("the view is the memory that blocks lie in") {
  Device device = *Device::Open();
  const auto kv = *CudaKv::Create(device, kShape, 3, 0);
  CHECK(kv->type() == KvType::kF16);
  CHECK(kv->host_blocks() == 0);
  CHECK(kShape.block_bytes() == size_t{2} * 2 * 3 * 16 * 16 * 2);
  CHECK(kv->view().n_layers == 2);
  CHECK(kv->view().Keys(1, 0, 0) == kv->view().data + kShape.block_bytes());
}

// The twin holds one number for each block.
TEST_CASE("copies act in the order in which they are asked for, passes between them") {
  Device device = *Device::Open();
  std::mt19937 random(3);
  constexpr uint32_t kBlocks = 6;
  constexpr uint32_t kHostBlocks = 11;
  // Pieces of one block, of some, of all.
  for (const size_t piece : {size_t{1}, 4 * kShape.block_bytes(), size_t{1} << 20}) {
    const auto kv = *CudaKv::Create(device, kShape, kBlocks, kHostBlocks, piece);
    CHECK(kv->host_blocks() == kHostBlocks);
    Passes passes{device, *kv};
    std::vector<int> on_device(kBlocks);
    std::vector<int> on_host(kHostBlocks, -1);
    for (uint32_t b = 0; b < kBlocks; ++b) passes.Write(static_cast<BlockId>(b), 0);
    for (int round = 0; round < 5000; ++round) {
      const auto block = static_cast<BlockId>(random() % kBlocks);
      const auto other = static_cast<BlockId>((block + 1 + random() % (kBlocks - 1)) % kBlocks);
      const auto host = static_cast<HostBlock>(random() % kHostBlocks);
      int& value = on_device[static_cast<size_t>(block)];
      int& held = on_host[static_cast<size_t>(host)];
      switch (random() % 6) {
        case 0:
          value = static_cast<int>(random() % 200);
          passes.Write(block, static_cast<uint8_t>(value));
          break;
        case 1:
          REQUIRE(passes.Read(block) == value);
          break;
        case 2:
          kv->CopyBlock(other, block);
          value = on_device[static_cast<size_t>(other)];
          break;
        case 3:
        case 4:
          REQUIRE(kv->Save(block, host));
          held = value;
          break;
        default:
          if (held < 0) break;
          kv->Restore(host, block);
          value = held;
      }
      if (random() % 50 == 0) (void)kv->Done(kv->copies());
    }
    for (uint32_t b = 0; b < kBlocks; ++b) {
      REQUIRE(passes.Read(static_cast<BlockId>(b)) == on_device[b]);
    }
    CHECK(kv->copies() > 1000);
    CHECK(device.failure() == cudaSuccess);
  }
}

TEST_CASE("too little memory of the device is an error with the numbers") {
  Device device = *Device::Open();
  const CudaKv::Shape large = {KvType::kF32, 1000, 64, 128};
  const auto kv = CudaKv::Create(device, large, 100, 0);
  REQUIRE_FALSE(kv.ok());
  CHECK(kv.error().code == ErrorCode::kResourceExhausted);
  CHECK_THAT(kv.error().message, Catch::Contains("1600 tokens"));
  CHECK(device.failure() == cudaSuccess);
}

#ifndef HEARTH_CUDA_ON_DEVICE
TEST_CASE("a host that can pin no more says so, and what it has stays") {
  Device device = *Device::Open();
  const auto kv = *CudaKv::Create(device, kShape, 2, 8, 2 * kShape.block_bytes());
  Passes passes{device, *kv};
  cuda_on_host::pinned_left = 2 * kShape.block_bytes();
  passes.Write(0, 7);
  CHECK(kv->Save(0, 0));
  CHECK(kv->Save(0, 1));
  cuda_on_host::pinned_left = 0;
  CHECK_FALSE(kv->Save(0, 2));
  CHECK(kv->Save(0, 1));
  cuda_on_host::pinned_left = SIZE_MAX;
  passes.Write(0, 8);
  kv->Restore(1, 0);
  CHECK(passes.Read(0) == 7);
  CHECK(device.failure() == cudaSuccess);
}

TEST_CASE("a device that fails in a copy is lost, and nobody waits for ever") {
  Device device = *Device::Open();
  const auto kv = *CudaKv::Create(device, kShape, 2, 2);
  REQUIRE(kv->Save(0, 0));
  cuda_on_host::answer = cudaErrorECCUncorrectable;
  CHECK(kv->Done(1));
  CHECK_FALSE(device.Lost().ok());
  kv->Restore(0, 1);
  CHECK(kv->Done(kv->copies()));
  cuda_on_host::answer = cudaSuccess;
}
#endif

}  // namespace
}  // namespace hearth::model::cuda
