#include <cuda_runtime.h>

#include <algorithm>
#include <cstdlib>

#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/device_array.h"

namespace hearth::model::cuda {

namespace {

// Stands for all kernels of the program: they are compiled alike.
__global__ void OneOfAll() { BeginKernel(); }

// The code that the device runs has the waits: it may be compiled from PTX for an older one.
bool WaitsByItself(const cudaDeviceProp& properties) {
  constexpr int kHopper = 9;
  cudaFuncAttributes attributes{};
  if (properties.major < kHopper || cudaFuncGetAttributes(&attributes, &OneOfAll) != cudaSuccess) {
    (void)cudaGetLastError();
    return false;
  }
  return attributes.ptxVersion >= 10 * kHopper;
}

}  // namespace

Result<Device> Device::Open() {
  int count = 0;
  const cudaError_t found = cudaGetDeviceCount(&count);
  if (found != cudaSuccess || count == 0) {
    return MakeError(ErrorCode::kUnsupported, "no CUDA device: ",
                     found != cudaSuccess ? cudaGetErrorString(found) : "none is installed",
                     ". Use --backend cpu");
  }
  Device device;
  device.Note(cudaGetDeviceProperties(&device.properties_, 0));
  if (device.failure_ != cudaSuccess) {
    return MakeError(ErrorCode::kIo,
                     "CUDA device 0 cannot be asked: ", cudaGetErrorString(device.failure_));
  }
  constexpr int kOldest = 8;
  if (device.properties_.major < kOldest) {
    return MakeError(ErrorCode::kUnsupported, device.properties_.name, " has compute capability ",
                     device.properties_.major, ".", device.properties_.minor,
                     "; hearth needs 8.0 or later. Use --backend cpu");
  }
  device.Note(cudaStreamCreate(&device.stream_));
  if (device.failure_ != cudaSuccess) {
    return MakeError(ErrorCode::kIo,
                     "CUDA device 0 cannot be used: ", cudaGetErrorString(device.failure_));
  }
  device.open_ = true;
  device.starts_early_ = WaitsByItself(device.properties_);
  if (const char* names = std::getenv("HEARTH_CUDA_WITHOUT")) {
    HEARTH_CHECK_OK(device.LeaveOut(names));
  }
  return Result<Device>(std::move(device));
}

Status Device::LeaveOut(std::string_view names) {
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    if (name == "wgmma") {
      may_use_warpgroups_ = false;
    } else if (name == "early") {
      starts_early_ = false;
    } else if (name == "graphs") {
      uses_graphs_ = false;
    } else {
      return MakeError(ErrorCode::kInvalidArgument, "HEARTH_CUDA_WITHOUT: '", name,
                       "' is none of wgmma, early and graphs, separated by commas");
    }
  }
  return {};
}

Device::~Device() {
  if (open_) (void)cudaStreamDestroy(stream_);
}

Status Device::Lost() const {
  if (failure_ == cudaSuccess) return {};
  return MakeError(ErrorCode::kIo, "the GPU (", properties_.name,
                   ") failed: ", cudaGetErrorString(failure_),
                   ". Start again; --backend cpu does without it");
}

Error Device::TooLarge(std::string_view what, size_t bytes, std::string_view help) const {
  size_t free = 0;
  size_t total = 0;
  (void)cudaMemGetInfo(&free, &total);
  return MakeError(ErrorCode::kResourceExhausted, what, ": ", (bytes >> 20) + 1,
                   " MiB of device memory are wanted, ", free >> 20, " of ", total >> 20,
                   " MiB are free on ", properties_.name, ". ", help);
}

}  // namespace hearth::model::cuda
