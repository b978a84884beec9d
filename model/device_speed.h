// DeviceSpeed: what a device can do at most, measured. Speeds of models are told as shares of it.
//
// Measuring takes about a second, and memory for two buffers of `bytes`, which should be far larger
// than the device's caches.
#pragma once

#include <cstddef>

#include "runtime/base/core/result.h"

namespace hearth::model {

struct DeviceSpeed {
  double copy_rate = 0;    // bytes read and written a second, from its memory to its memory
  double upload_rate = 0;  // bytes a second from the host's pinned memory; 0: it is the host
  double matrix_rate = 0;  // BF16 operations a second of its matrix units, sums in F32; 0: unknown
};

constexpr size_t kSpeedBytes = size_t{1} << 30;

// The host, its copies made by so many threads (0: one per physical core).
Result<DeviceSpeed> MeasureCpuSpeed(int threads, size_t bytes = kSpeedBytes / 4);
// The first GPU. Fails as CreateCudaBackend does.
Result<DeviceSpeed> MeasureCudaSpeed(size_t bytes = kSpeedBytes);

}  // namespace hearth::model
