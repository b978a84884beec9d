// Pinned memory and events of the runtime that runs on the host; cuda_runtime.h
// includes this.
#pragma once

#include <chrono>

inline cudaError_t cudaMallocHost(void** data, size_t bytes) { return cudaMalloc(data, bytes); }
inline cudaError_t cudaFreeHost(void* data) { return cudaFree(data); }
inline cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t) {
  cuda_on_host::Finish();
  std::memset(data, value, bytes);
  return cudaSuccess;
}

// Everything is done at once, so an event is the moment of its recording.
struct EventOnHost {
  std::chrono::steady_clock::time_point at;
};
using cudaEvent_t = EventOnHost*;
inline cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new EventOnHost();
  return cudaSuccess;
}
inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  cuda_on_host::Finish();
  event->at = std::chrono::steady_clock::now();
  return cudaSuccess;
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cuda_on_host::answer; }
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  *milliseconds = std::chrono::duration<float, std::milli>(end->at - begin->at).count();
  return cudaSuccess;
}
