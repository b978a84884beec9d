// On a GPU the tests' vectors must be readable by kernels, as they are on the host: whatever is
// made with new lies in managed memory here. It is never given back; a run takes some hundred MiB.
#include <cuda_runtime.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr size_t kArenaBytes = size_t{16} << 30;  // of addresses; pages come as they are touched
constexpr size_t kAlign = 256;

std::byte* Arena() {
  static std::byte* const arena = [] {
    void* data = nullptr;
    if (cudaMallocManaged(&data, kArenaBytes) != cudaSuccess) std::abort();
    return static_cast<std::byte*>(data);
  }();
  return arena;
}

}  // namespace

void* operator new(size_t bytes) {
  static std::atomic<size_t> next = 0;
  const size_t at = next.fetch_add((bytes + kAlign - 1) / kAlign * kAlign);
  if (at + bytes > kArenaBytes) throw std::bad_alloc();
  return Arena() + at;
}
void operator delete(void*) noexcept {}
void operator delete(void*, size_t) noexcept {}
