#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>

#include "model/backend/cpu/lanes.h"
#include "model/device_speed.h"

namespace hearth::model {

Result<DeviceSpeed> MeasureCpuSpeed(int threads, size_t bytes) {
  constexpr int kRounds = 5;
  cpu::Lanes lanes(threads > 0 ? threads : cpu::Lanes::PhysicalCores(), false);
  const auto from = std::make_unique<char[]>(bytes);
  const auto to = std::make_unique<char[]>(bytes);
  const size_t share = bytes / static_cast<size_t>(lanes.count());
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    lanes.Run([&](int lane) {
      const size_t at = share * static_cast<size_t>(lane);
      std::memcpy(to.get() + at, from.get() + at, share);
    });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const auto moved = 2.0 * static_cast<double>(share) * lanes.count();
    best = std::max(best, moved / std::max(took.count(), 1e-9));
  }
  return DeviceSpeed{.copy_rate = best};
}

}  // namespace hearth::model
