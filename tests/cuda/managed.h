// ManagedVector: a vector that host and device both read and write, so that a test looks at what a
// kernel wrote (after the device was waited for).
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <new>
#include <vector>

namespace hearth::test {

template <typename T>
struct ManagedAllocator {
  using value_type = T;
  ManagedAllocator() = default;
  template <typename U>
  ManagedAllocator(const ManagedAllocator<U>&) {}  // NOLINT: implicit, as allocators are

  T* allocate(size_t n) {
    void* data = nullptr;
    if (cudaMallocManaged(&data, n * sizeof(T)) != cudaSuccess) throw std::bad_alloc();
    return static_cast<T*>(data);
  }
  void deallocate(T* data, size_t) { (void)cudaFree(data); }
  bool operator==(const ManagedAllocator&) const { return true; }
};

template <typename T>
using ManagedVector = std::vector<T, ManagedAllocator<T>>;

}  // namespace hearth::test
