// What four warps hold and where the instruction looks for it, beside the matrices themselves.
#include "model/backend/cuda/warpgroup.cuh"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/tensor_core.cuh"
#include "model/backend/cuda/warpgroup_products.h"
#include "model/quant.h"
#include "tests/cuda/on_device.h"

namespace hearth::model::cuda {
namespace {

bool HasWarpgroups(const Device& device) {
  return device.properties().major == 9 && device.properties().minor == 0;
}

// Where half k of a row lies, in halves, by the tables of the PTX ISA: K-major, 64 halves a row.
// Unswizzled: matrices of 8 rows of 16 bytes, 8 of them along k, then the next rows.
__host__ __device__ unsigned PlainAt(unsigned row, unsigned k) {
  return row / 8 * 512 + k / 8 * 64 + row % 8 * 8 + k % 8;
}
// The pattern of 128 bytes: chunk c of row r at c ^ r % 8, written out by the bits of the address.
__host__ __device__ unsigned SwizzledAt(unsigned row, unsigned k) {
  const unsigned address = row * 128 + k * 2;
  return (address ^ ((address & 0x380u) >> 3)) / 2;
}

constexpr unsigned kRows = 64, kDepth = 64;
template <unsigned kColumns>
constexpr unsigned kShared = (kRows + kColumns) * kDepth * 2;

// c = a b of 64 x 64 and 64 x kColumns, halves 16k on by `along` bytes in shared memory; a
// warpgroup. `a` is [row][k], `b` [column][k].
template <unsigned kColumns, bool kSwizzled>
__global__ void MultiplyOnce(const uint16_t* a, const uint16_t* b, float* c) {
  BeginKernel();
#ifdef HEARTH_WARPGROUPS
  auto* const shared = reinterpret_cast<uint16_t*>(DynamicShared());
  uint16_t* const shared_b = shared + kRows * kDepth;
  const auto at = [](unsigned row, unsigned k) {
    return kSwizzled ? SwizzledAt(row, k) : PlainAt(row, k);
  };
  for (unsigned i = threadIdx.x; i < kRows * kDepth; i += blockDim.x) {
    shared[at(i / kDepth, i % kDepth)] = a[i];
  }
  for (unsigned i = threadIdx.x; i < kColumns * kDepth; i += blockDim.x) {
    shared_b[at(i / kDepth, i % kDepth)] = b[i];
  }
  FenceSharedWrites();
  __syncthreads();
  const unsigned along = kSwizzled ? 32 : 2 * 128;
  const auto descriptor = [&](const uint16_t* matrix, unsigned k) {
    return MatrixDescriptor(SharedAddress(matrix) + k * along, kSwizzled ? 0 : 128, 1024,
                            kSwizzled ? Swizzle::k128 : Swizzle::kNone);
  };
  float sums[kColumns / 2] = {};
  for (unsigned k = 0; k < kDepth / 16; ++k) {  // a group each: two wait for each other
    BeginProducts(sums);
    MultiplyAddAsync(descriptor(shared, k), descriptor(shared_b, k), sums);
    CommitProducts();
  }
  FinishProducts(sums);
  const unsigned lane = threadIdx.x % 32;
  for (unsigned i = 0; i < kColumns / 2; ++i) {
    const unsigned row = threadIdx.x / 32 * 16 + lane / 4 + i % 4 / 2 * 8;
    const unsigned column = i / 4 * 8 + lane % 4 * 2 + i % 2;
    c[row * kColumns + column] = sums[i];
  }
#endif
}

template <unsigned kColumns, bool kSwizzled>
void CheckOnce(Device& device) {
  CAPTURE(kColumns, kSwizzled);
  std::mt19937 random(kColumns);
  std::uniform_int_distribution<int> whole(-9, 9);  // products and sums are exact
  std::vector<uint16_t> a(kRows * kDepth), b(kColumns * kDepth);
  for (uint16_t& half : a) half = FloatToHalf(static_cast<float>(whole(random)));
  for (uint16_t& half : b) half = FloatToHalf(static_cast<float>(whole(random)));
  std::vector<float> c(kRows * kColumns, -1), expected(kRows * kColumns);
  for (unsigned i = 0; i < kRows; ++i) {
    for (unsigned j = 0; j < kColumns; ++j) {
      for (unsigned k = 0; k < kDepth; ++k) {
        expected[i * kColumns + j] +=
            HalfToFloat(a[i * kDepth + k]) * HalfToFloat(b[j * kDepth + k]);
      }
    }
  }
  LaunchShared(device, &MultiplyOnce<kColumns, kSwizzled>, dim3(1), dim3(128), kShared<kColumns>,
               a.data(), b.data(), c.data());
  device.Wait();
  CHECK(c == expected);
}

TEST_CASE("a product of a warpgroup is that of the matrices, swizzled or not") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  if (!HasWarpgroups(*device)) {
    WARN("skipped: compute capability 9.0 alone has these");
    return;
  }
  CheckOnce<128, false>(*device);
  CheckOnce<128, true>(*device);
  CheckOnce<256, false>(*device);
  CheckOnce<256, true>(*device);
}

TEST_CASE("a descriptor has its fields where the PTX ISA has them") {
  CHECK(MatrixDescriptor(0x12340, 128, 256, Swizzle::kNone) == 0x0000001000081234u);
  CHECK(MatrixDescriptor(0x3fff0, 0, 1024, Swizzle::k128) == 0x4000004000003fffu);
}

TEST_CASE("warpgroups are used where a trial gives the sums of the other kernel") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  CHECK(device->warpgroups() == Device::Warpgroups::kNone);
  TryWarpgroups(*device);
  CHECK(device->usable());
  CHECK(device->warpgroups() ==
        (HasWarpgroups(*device) ? Device::Warpgroups::kUsed : Device::Warpgroups::kNone));
}

#ifndef HEARTH_CUDA_ON_DEVICE
TEST_CASE("warpgroups whose sums are wrong are not used") {
  for (const float fault : {0.1f, NAN}) {
    auto device = Device::Open();
    REQUIRE(device.ok());
    cuda_on_host::product_fault = fault;
    TryWarpgroups(*device);
    cuda_on_host::product_fault = 0;
    CHECK(device->warpgroups() == Device::Warpgroups::kWrong);
  }
}

enum class Fault { kNone, kNoFence, kNoSharedFence, kEarlyRead, kEarlyWrite };
int complaints = 0;

// Two steps of products, as MultiplyGroups does them, but for one thing.
__global__ void MultiplyWrongly(Fault fault, float* out) {
  BeginKernel();
  auto* const shared = reinterpret_cast<uint16_t*>(DynamicShared());
  const auto fill = [&](float value) {
    for (unsigned i = threadIdx.x; i < (64 + 128) * 64; i += blockDim.x) {
      shared[i] = FloatToHalf(value);
    }
    WaitForCopies();
    if (fault != Fault::kNoSharedFence) FenceSharedWrites();
    __syncthreads();
  };
  float sums[64] = {};
  const uint64_t a = MatrixDescriptor(SharedAddress(shared), 0, 1024, Swizzle::k128);
  const uint64_t b = MatrixDescriptor(SharedAddress(shared + 64 * 64), 0, 1024, Swizzle::k128);
  fill(1);
  if (fault != Fault::kNoFence) BeginProducts(sums);
  MultiplyAddAsync(a, b, sums);
  CommitProducts();
  if (fault == Fault::kEarlyRead) out[threadIdx.x] = sums[5];
  if (fault == Fault::kEarlyWrite) fill(2);
  FinishProducts(sums);
  if (fault != Fault::kEarlyRead) out[threadIdx.x] = sums[5];
}

TEST_CASE("on the host what products ask for and do not get is told, or seen in the result") {
  auto device = Device::Open();
  REQUIRE(device.ok());
  const auto before = std::exchange(cuda_on_host::complain, [](const char*) { ++complaints; });
  const auto run = [&](Fault fault) {
    complaints = 0;
    std::vector<float> out(128);
    LaunchShared(*device, &MultiplyWrongly, dim3(1), dim3(128), kShared<128>, fault, out.data());
    return out == std::vector<float>(128, 16.0f);
  };
  CHECK(run(Fault::kNone));
  CHECK(complaints == 0);
  run(Fault::kNoFence);
  CHECK(complaints == 128);
  run(Fault::kNoSharedFence);
  CHECK(complaints == 128);
  CHECK_FALSE(run(Fault::kEarlyRead));
  CHECK_FALSE(run(Fault::kEarlyWrite));
  cuda_on_host::complain = before;
}
#endif

}  // namespace
}  // namespace hearth::model::cuda
