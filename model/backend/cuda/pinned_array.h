// PinnedArray: memory of the host that the device reads and writes by itself, at the rate of the
// bus and while the host goes on.
//
// Not thread-safe. Whoever frees or grows one has waited for the copies from and to it.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <span>
#include <utility>

namespace hearth::model::cuda {

template <typename T>
class PinnedArray {
 public:
  PinnedArray() = default;
  PinnedArray(PinnedArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  PinnedArray& operator=(PinnedArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~PinnedArray() {
    if (data_ != nullptr) (void)cudaFreeHost(data_);
  }

  // Room for n elements; what was there is lost where it has to grow. False where the host has
  // none.
  bool TryReserve(size_t n) {
    if (n <= size_) return true;
    if (data_ != nullptr) (void)cudaFreeHost(data_);
    data_ = nullptr;
    size_ = 0;
    void* data = nullptr;
    if (cudaMallocHost(&data, n * sizeof(T)) != cudaSuccess) {
      (void)cudaGetLastError();  // or the next launch would report it
      return false;
    }
    data_ = static_cast<T*>(data);
    size_ = n;
    return true;
  }

  T* data() const { return data_; }
  size_t size() const { return size_; }
  std::span<T> span() const { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hearth::model::cuda
