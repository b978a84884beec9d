// CUDA on the host, for tests: the part of the language and of the runtime that model/backend/cuda
// uses, so that the very kernels run (slowly, one thread block after the other) where there is no
// GPU. Blocks run from the first to the last or, with every other launch, from the last to the
// first. Threads of a block are fibers: they run until they meet a barrier, in an order that
// changes from round to round, so that a barrier that is missing shows, and threads that wait at
// different ones abort. So does a thread that may start early and never waits for the kernels
// ahead.
//
// What it does not show: memory order between blocks, coalescing, bank conflicts, speed.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static
#define __restrict__ __restrict
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};
struct int2 {
  int x, y;
};
struct uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) float4 {
  float x, y, z, w;
};

namespace cuda_on_host {

constexpr unsigned kWarp = 32;
// The thread that runs.
struct Place {
  dim3 thread, block, block_dim, grid_dim;
};
extern Place here;
// Runs every thread of the grid, and counts. Threads of a grid that is `early` have to wait for
// those ahead.
extern size_t launches;
void RunGrid(dim3 grid, dim3 block, size_t shared_bytes, bool early,
             const std::function<void()>& kernel);
void WaitForEarlier();
// Does `launch` now; or while `overlap`, of every two the later one begins first: one block goes up
// to its wait for those ahead, then the earlier one runs. What changes memory, or reads it,
// finishes them first; which launches are pairs changes with that.
extern bool overlap;
void Start(std::function<void()> launch, bool early);
void Finish();
// What is done about a kernel that breaks a rule: says so and aborts, where no test looks for it.
extern void (*complain)(const char* what);
void BlockBarrier();
void WarpBarrier();
// Gives `value` of lane `from` of the own warp; all lanes call it.
uint64_t Exchange(uint64_t value, unsigned from);
unsigned Lane();
// The same for up to kMostGiven bytes to every lane: what Given(lane) points to is that lane's
// until the next Give.
constexpr size_t kMostGiven = 64;
void Give(const void* bytes, size_t n);
const void* Given(unsigned lane);
// Does `work` at once or with the thread's next DoLater; a thread that ends with work left aborts.
void Later(std::function<void()> work);
void DoLater();
// The block's dynamic shared memory, rubbish at first; a window of addresses from kSharedBase on.
constexpr uint32_t kSharedBase = 1024;
unsigned char* DynamicShared();
uint32_t SharedAddress(const void* shared);
const unsigned char* SharedAt(uint32_t address);  // of 2 bytes
// Added to what a warpgroup multiplies: a device that does it wrongly.
extern float product_fault;
// The products that the thread's warpgroup was asked for and has not waited for.
struct ProductsInFlight;
ProductsInFlight& Products();
// What the thread wrote to shared memory is not yet fenced; AnyUnfenced: a thread of the block's.
void SetUnfenced(bool unfenced);
bool AnyUnfenced();

template <typename T>
T Shuffle(T value, unsigned from) {
  static_assert(sizeof(T) <= 8);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = Exchange(bits, from);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace cuda_on_host

inline const dim3& threadIdx = cuda_on_host::here.thread;
inline const dim3& blockIdx = cuda_on_host::here.block;
inline const dim3& blockDim = cuda_on_host::here.block_dim;
inline const dim3& gridDim = cuda_on_host::here.grid_dim;

inline void __syncthreads() { cuda_on_host::BlockBarrier(); }
inline void __syncwarp(unsigned = ~0u) { cuda_on_host::WarpBarrier(); }
template <typename T>
T __shfl_xor_sync(unsigned, T value, unsigned mask) {
  return cuda_on_host::Shuffle(value, cuda_on_host::Lane() ^ mask);
}
template <typename T>
T __shfl_sync(unsigned, T value, unsigned from) {
  return cuda_on_host::Shuffle(value, from % cuda_on_host::kWarp);
}
// Threads take turns where they wait and nowhere else.
template <typename T>
T atomicAdd(T* to, T value) {
  return std::exchange(*to, *to + value);
}
inline int __dp4a(int a, int b, int sum) {
  for (int i = 0; i < 32; i += 8) {
    sum += static_cast<int8_t>(a >> i) * static_cast<int8_t>(b >> i);
  }
  return sum;
}
inline void __threadfence() {}
template <typename T>
T __ldcg(const T* p) {
  return *p;
}
inline float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
inline unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
inline int __float2int_rn(float x) { return static_cast<int>(std::nearbyint(x)); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
using std::max;
using std::min;

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorECCUncorrectable = 214,
  cudaErrorNotReady = 600,
  cudaErrorStreamCaptureUnsupported = 900
};
enum cudaMemcpyKind {
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3
};
inline const char* cudaGetErrorString(cudaError_t error) {
  if (error == cudaErrorInvalidValue) return "invalid argument";
  if (error == cudaErrorMemoryAllocation) return "out of memory";
  return error == cudaErrorECCUncorrectable ? "uncorrectable ECC error encountered"
                                            : "operation not permitted when stream is capturing";
}
inline cudaError_t cudaGetDeviceCount(int* n) {
  *n = 1;
  return cudaSuccess;
}
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
struct cudaDeviceProp {
  char name[256];
  int major, minor;
  int multiProcessorCount;
  size_t totalGlobalMem;
};
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {"host", 9, 0, 2, size_t{1} << 32};
  return cudaSuccess;
}
// What the device answers from now on where it is waited for.
namespace cuda_on_host {
extern cudaError_t answer;
// Launches are recorded here, where they are captured; nothing else may be done then.
using Recorded = std::vector<std::function<void()>>;
extern Recorded* recording;
}  // namespace cuda_on_host
#include "tests/cuda/host/streams.h"
// Device memory begins as something that is not zero, and allocations above 16 GiB fail.
inline cudaError_t cudaMalloc(void** data, size_t bytes) {
  if (cuda_on_host::recording) return cudaErrorStreamCaptureUnsupported;
  *data = bytes < (size_t{1} << 34) ? std::aligned_alloc(256, (bytes + 255) / 256 * 256) : nullptr;
  if (*data == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*data, 0xa5, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaFree(void* data) {
  cuda_on_host::Finish();
  std::free(data);
  return cudaSuccess;
}
inline cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *free = *total = size_t{1} << 32;
  return cudaSuccess;
}

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
template <typename Kernel>
cudaError_t cudaFuncSetAttribute(Kernel, cudaFuncAttribute, int bytes) {
  constexpr int kMost = 227 << 10;  // of compute capability 9.0
  return bytes <= kMost ? cudaSuccess : cudaErrorInvalidValue;
}
struct cudaFuncAttributes {
  int ptxVersion;
};
template <typename Kernel>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, Kernel) {
  attributes->ptxVersion = 90;
  return cudaSuccess;
}

enum cudaLaunchAttributeID { cudaLaunchAttributeProgrammaticStreamSerialization = 6 };
struct cudaLaunchAttribute {
  cudaLaunchAttributeID id;
  struct {
    int programmaticStreamSerializationAllowed;
  } val;
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
  cudaLaunchAttribute* attrs = nullptr;
  unsigned numAttrs = 0;
};
template <typename... Expected, typename... Given>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Expected...),
                               Given&&... arguments) {
  // By value, as a launch copies them.
  const auto thread = [=] { kernel(static_cast<Expected>(arguments)...); };
  const bool early =
      config->numAttrs != 0 && config->attrs->val.programmaticStreamSerializationAllowed != 0;
  const auto launch = [grid = config->gridDim, block = config->blockDim,
                       shared_bytes = config->dynamicSmemBytes, early,
                       thread] { cuda_on_host::RunGrid(grid, block, shared_bytes, early, thread); };
  const auto start = [launch, early] { cuda_on_host::Start(launch, early); };
  if (cuda_on_host::recording) {
    cuda_on_host::recording->push_back(start);
  } else {
    start();
  }
  return cudaSuccess;
}

#include "tests/cuda/host/graphs.h"
#include "tests/cuda/host/pinned.h"
