// DeviceArray: memory of the device that grows, and Device: the stream that everything runs on,
// with the first error that it met.
//
// Not thread-safe; a Device outlives its arrays.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "runtime/base/core/result.h"

namespace hearth::model::cuda {

class Device {
 public:
  // The environment's HEARTH_CUDA_WITHOUT, "wgmma,early,graphs" or some of these, leaves out what
  // a device or its driver does wrongly.
  static Result<Device> Open();
  Device(Device&& other) noexcept
      : stream_(std::exchange(other.stream_, nullptr)),
        open_(std::exchange(other.open_, false)),
        failure_(other.failure_),
        generation_(other.generation_),
        starts_early_(other.starts_early_),
        uses_graphs_(other.uses_graphs_),
        may_use_warpgroups_(other.may_use_warpgroups_),
        warpgroups_(other.warpgroups_),
        properties_(other.properties_) {}
  Device& operator=(Device&&) = delete;
  ~Device();

  cudaStream_t stream() const { return stream_; }
  const cudaDeviceProp& properties() const { return properties_; }
  // The first failure since the device was opened; a device that failed once is lost.
  cudaError_t failure() const { return failure_; }
  void Note(cudaError_t result) {
    if (result == cudaSuccess) return;
    if (capturing_) {
      spoiled_ = true;  // a failure of the device shows again behind the capture
    } else if (failure_ == cudaSuccess) {
      failure_ = result;
    }
  }
  // Of a launch: too little memory for its code is the pass's shortage.
  void NoteLaunch(cudaError_t result) {
    if (result != cudaErrorMemoryAllocation || capturing_) return Note(result);
    (void)cudaGetLastError();  // or the next launch would report it
    NoteShortage(1);
  }
  // Memory was short in this pass: nothing is launched until it has ended.
  void NoteShortage(size_t bytes) { shortage_ = std::max(shortage_, bytes); }
  // Kernels wait by themselves for those ahead of them (dependent_launch.cuh), and may start early.
  bool starts_early() const { return starts_early_; }
  bool uses_graphs() const { return uses_graphs_; }
  bool may_use_warpgroups() const { return may_use_warpgroups_; }
  // Whether products may use warpgroups' instructions; kWrong: the device has them, and a trial
  // gave something else than the other kernels (warpgroup_products.h).
  enum class Warpgroups : uint8_t { kNone, kUsed, kWrong };
  Warpgroups warpgroups() const { return warpgroups_; }
  void SetWarpgroups(Warpgroups warpgroups) { warpgroups_ = warpgroups; }
  bool usable() const { return failure_ == cudaSuccess && shortage_ == 0 && !spoiled_; }
  // Ends a pass; the bytes that it did not get, or 0.
  size_t TakeShortage() { return std::exchange(shortage_, 0); }
  // The failure as an error for people, if there was one; it tells them to start again.
  Status Lost() const;
  // An error that says how much was wanted and how much there is.
  Error TooLarge(std::string_view what, size_t bytes, std::string_view help) const;
  void Wait() {
    if (Spoil()) return;
    Note(cudaStreamSynchronize(stream_));
  }

  // Counts the moves of memory: launches that were captured before one point to what is gone.
  uint64_t generation() const { return generation_; }
  void NoteMove() { ++generation_; }
  // Between these, launches are captured and not run. Whatever cannot be captured spoils it, and
  // EndCapture gives false.
  void BeginCapture() { capturing_ = true; }
  bool EndCapture() {
    capturing_ = false;
    return !std::exchange(spoiled_, false);
  }
  // True where launches are being captured: who asked leaves it be.
  bool Spoil() {
    spoiled_ = capturing_;
    return capturing_;
  }

 private:
  Device() = default;
  Status LeaveOut(std::string_view names);  // what HEARTH_CUDA_WITHOUT says
  cudaStream_t stream_ = nullptr;
  bool open_ = false;
  cudaError_t failure_ = cudaSuccess;
  size_t shortage_ = 0;
  uint64_t generation_ = 0;
  bool starts_early_ = false;
  bool uses_graphs_ = true;
  bool may_use_warpgroups_ = true;
  Warpgroups warpgroups_ = Warpgroups::kNone;
  bool capturing_ = false;
  bool spoiled_ = false;
  cudaDeviceProp properties_{};
};

template <typename T>
class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(DeviceArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~DeviceArray() {
    if (data_ != nullptr) (void)cudaFree(data_);
  }

  // Room for n elements; what was there is lost where it has to grow. Waits for the stream then:
  // kernels may still read what is given up. Too little memory is no failure of the device.
  cudaError_t TryReserve(Device& device, size_t n) {
    if (n <= size_ || device.Spoil()) return cudaSuccess;
    device.NoteMove();
    if (data_ != nullptr) {
      device.Wait();
      (void)cudaFree(data_);
    }
    data_ = nullptr;
    size_ = 0;
    void* data = nullptr;
    const cudaError_t result = cudaMalloc(&data, n * sizeof(T));
    if (result != cudaSuccess) {
      (void)cudaGetLastError();  // or the next launch would report it
      return result;
    }
    data_ = static_cast<T*>(data);
    size_ = n;
    return cudaSuccess;
  }
  // The same in the middle of a pass, which cannot go on without: the device is told. Grows by half
  // at least, so that rows that come one by one seldom wait.
  void Reserve(Device& device, size_t n) {
    if (n <= size_) return;
    const size_t roomy = std::max(n, size_ + size_ / 2);
    cudaError_t result = TryReserve(device, roomy);
    if (result == cudaErrorMemoryAllocation && roomy > n) result = TryReserve(device, n);
    if (result == cudaErrorMemoryAllocation) {
      device.NoteShortage(n * sizeof(T));
    } else {
      device.Note(result);
    }
  }
  // `from` lives until the stream has been waited for.
  void Upload(Device& device, std::span<const T> from) {
    Reserve(device, from.size());
    if (data_ == nullptr || from.empty() || device.Spoil()) return;
    device.Note(cudaMemcpyAsync(data_, from.data(), from.size_bytes(), cudaMemcpyHostToDevice,
                                device.stream()));
  }

  T* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

// Starts a kernel on the device's stream; nothing where the device has failed, memory was short or
// there is nothing to do. The kernel keeps the rules of dependent_launch.cuh. `shared_bytes` are of
// dynamic shared memory.
template <typename... Expected, typename... Given>
void LaunchShared(Device& device, void (*kernel)(Expected...), dim3 grid, dim3 block,
                  unsigned shared_bytes, Given&&... arguments) {
  if (!device.usable() || grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  if (shared_bytes != 0) {
    // Above 48 KiB it has to be asked for.
    device.Note(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     static_cast<int>(shared_bytes)));
  }
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = device.stream();
  cudaLaunchAttribute early{};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &early;
  config.numAttrs = device.starts_early() ? 1 : 0;
  device.NoteLaunch(cudaLaunchKernelEx(&config, kernel, std::forward<Given>(arguments)...));
}

template <typename... Expected, typename... Given>
void Launch(Device& device, void (*kernel)(Expected...), dim3 grid, dim3 block,
            Given&&... arguments) {
  LaunchShared(device, kernel, grid, block, 0, std::forward<Given>(arguments)...);
}

}  // namespace hearth::model::cuda
