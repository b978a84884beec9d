// What the device can do at most: copies, and the matrix units fed from registers or shared memory.
#include <cuda_runtime.h>

#include <algorithm>

#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/matrix_loops.cuh"
#include "model/backend/cuda/pinned_array.h"
#include "model/device_speed.h"

namespace hearth::model {
namespace cuda {
namespace {

constexpr int kRounds = 6;

// The shortest of some runs, in seconds; the first warms up. Notes failures in the device.
template <typename Work>
double BestSeconds(Device& device, Work work) {
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  device.Note(cudaEventCreate(&begin));
  device.Note(cudaEventCreate(&end));
  double best = 1e30;
  for (int round = 0; round <= kRounds && device.usable(); ++round) {
    device.Note(cudaEventRecord(begin, device.stream()));
    work();
    device.Note(cudaEventRecord(end, device.stream()));
    device.Wait();
    float milliseconds = 0;
    if (device.usable()) device.Note(cudaEventElapsedTime(&milliseconds, begin, end));
    if (round > 0) best = std::min(best, std::max(milliseconds * 1e-3, 1e-9));
  }
  if (begin != nullptr) (void)cudaEventDestroy(begin);
  if (end != nullptr) (void)cudaEventDestroy(end);
  return best;
}

// Operations a second of one of the loops; 0 where this build has no code of it for the device.
template <typename Loop>
double MatrixRate(Device& device, Loop loop, DeviceArray<unsigned long long>& done) {
  constexpr unsigned kBlocksEach = 2;
  const auto blocks = kBlocksEach * static_cast<unsigned>(device.properties().multiProcessorCount);
  const double seconds = BestSeconds(
      device, [&] { Launch(device, loop, dim3(blocks), dim3(kMatrixLoopThreads), done.data()); });
  unsigned long long operations = 0;
  if (!device.usable()) return 0;
  device.Note(cudaMemcpyAsync(&operations, done.data(), sizeof(operations), cudaMemcpyDeviceToHost,
                              device.stream()));
  device.Wait();
  return device.usable() ? static_cast<double>(operations) * blocks / seconds : 0;
}

}  // namespace
}  // namespace cuda

Result<DeviceSpeed> MeasureCudaSpeed(size_t bytes) {
  using namespace cuda;
  HEARTH_TRY(Device device, Device::Open());
  DeviceSpeed speed;
  {
    DeviceArray<uint8_t> from, to;
    PinnedArray<uint8_t> host;
    if (from.TryReserve(device, bytes) != cudaSuccess ||
        to.TryReserve(device, bytes) != cudaSuccess || !host.TryReserve(bytes / 4)) {
      return MakeError(ErrorCode::kResourceExhausted, "measuring copies takes ", bytes >> 19,
                       " MiB of device memory and ", bytes >> 22,
                       " MiB of pinned memory of the host, which are not free");
    }
    device.Note(cudaMemsetAsync(from.data(), 1, bytes, device.stream()));
    const auto copy = [&](void* target, const void* source, size_t size, cudaMemcpyKind kind) {
      return BestSeconds(device, [&] {
        device.Note(cudaMemcpyAsync(target, source, size, kind, device.stream()));
      });
    };
    speed.copy_rate = 2.0 * static_cast<double>(bytes) /
                      copy(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice);
    speed.upload_rate = static_cast<double>(host.size()) /
                        copy(to.data(), host.data(), host.size(), cudaMemcpyHostToDevice);
  }
  DeviceArray<unsigned long long> done;
  done.Reserve(device, 1);
  speed.matrix_rate = MatrixRate(device, &MmaLoop, done);
  if (device.properties().major == 9) {
    speed.matrix_rate = std::max(speed.matrix_rate, MatrixRate(device, &WgmmaLoop, done));
  }
  HEARTH_CHECK_OK(device.Lost());
  return speed;
}

}  // namespace hearth::model
