// Pinned memory of the runtime that runs on the host; cuda_runtime.h includes this.
#pragma once

namespace cuda_on_host {
extern size_t pinned_left;  // bytes that may still be pinned
}  // namespace cuda_on_host

inline cudaError_t cudaMallocHost(void** data, size_t bytes) {
  if (bytes > cuda_on_host::pinned_left) return cudaErrorMemoryAllocation;
  return cudaMalloc(data, bytes);
}
inline cudaError_t cudaFreeHost(void* data) { return cudaFree(data); }
inline cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t) {
  cuda_on_host::Finish();
  std::memset(data, value, bytes);
  return cudaSuccess;
}
