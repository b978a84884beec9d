// CopyStream: copies between the device and pinned memory of the host, made in their order beside
// what the device's own stream does, and numbered from 1. Events between the two streams say what
// waits for what.
//
// Not thread-safe; the device outlives it. Its end waits for the copies.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "model/backend/cuda/device_array.h"

namespace hearth::model::cuda {

class CopyStream {
 public:
  // What fails is noted in the device, here and below.
  explicit CopyStream(Device& device) : device_(device) {
    device_.Note(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    device_.Note(cudaEventCreateWithFlags(&passes_, cudaEventDisableTiming));
    for (cudaEvent_t& event : made_) {
      device_.Note(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    }
  }
  ~CopyStream() {
    if (stream_ != nullptr) {
      (void)cudaStreamSynchronize(stream_);
      (void)cudaStreamDestroy(stream_);
    }
    if (passes_ != nullptr) (void)cudaEventDestroy(passes_);
    for (cudaEvent_t event : made_) {
      if (event != nullptr) (void)cudaEventDestroy(event);
    }
  }
  CopyStream(const CopyStream&) = delete;
  CopyStream& operator=(const CopyStream&) = delete;

  // Asks for one, made behind all that the device's stream was given before it.
  void Copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    if (!device_.usable()) return;
    if (!behind_passes_) {
      device_.Note(cudaEventRecord(passes_, device_.stream()));
      device_.Note(cudaStreamWaitEvent(stream_, passes_, 0));
      behind_passes_ = true;
    }
    device_.Note(cudaMemcpyAsync(to, from, bytes, kind, stream_));
    ++count_;
    device_.Note(cudaEventRecord(EventOf(count_), stream_));
  }
  uint64_t count() const { return count_; }

  // Whether the first n are made; asks the device, waits for nothing. True where it failed.
  bool Done(uint64_t n) {
    n = std::min(n, count_);
    if (n <= done_ || !device_.usable()) return true;
    const uint64_t asked = std::max(n, oldest());
    const cudaError_t state = cudaEventQuery(EventOf(asked));
    if (state == cudaErrorNotReady) {
      (void)cudaGetLastError();  // or the next launch would report it
      return false;
    }
    device_.Note(state);
    done_ = asked;
    return true;
  }

  // What the device's stream is given from here on comes behind the first n copies. To be called
  // before it is given anything that meets memory of copies; n may be 0 then.
  void Await(uint64_t n) {
    behind_passes_ = false;
    n = std::min(n, count_);
    if (n <= done_ || !device_.usable()) return;
    device_.Note(cudaStreamWaitEvent(device_.stream(), EventOf(std::max(n, oldest())), 0));
  }

 private:
  // Events are used again: a copy that has lost its own is told by the oldest that has one, which
  // was made after it.
  static constexpr uint64_t kEvents = 64;
  uint64_t oldest() const { return count_ < kEvents ? 1 : count_ - kEvents + 1; }
  cudaEvent_t& EventOf(uint64_t n) { return made_[n % kEvents]; }

  Device& device_;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t passes_ = nullptr;
  std::array<cudaEvent_t, kEvents> made_{};
  bool behind_passes_ = false;
  uint64_t count_ = 0;
  uint64_t done_ = 0;  // of them, at least
};

}  // namespace hearth::model::cuda
