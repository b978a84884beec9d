// WeightUpload: matrices from a file's mapping to the device. Threads of the host pack some rows
// into one pinned buffer while another one's rows are being copied, so that loading goes at the
// rate of the slower of packing, the disk and the bus.
//
// Not thread-safe; the device outlives it. Its end waits for the copies.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "model/backend/cpu/lanes.h"
#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/packed_matrix.h"
#include "model/backend/cuda/pinned_array.h"

namespace hearth::model::cuda {

class WeightUpload {
 public:
  // threads: 0: one per physical core. Rows are sent in pieces of so many bytes (of one row at
  // least).
  WeightUpload(Device& device, int threads, size_t piece_bytes = size_t{16} << 20)
      : device_(device),
        piece_bytes_(piece_bytes),
        lanes_(threads > 0 ? threads : cpu::Lanes::PhysicalCores(), false) {}
  ~WeightUpload() {
    device_.Wait();
    for (Buffer& buffer : buffers_) {
      if (buffer.copied != nullptr) (void)cudaEventDestroy(buffer.copied);
    }
  }
  WeightUpload(const WeightUpload&) = delete;
  WeightUpload& operator=(const WeightUpload&) = delete;

  // Numbers as they are: norms and biases. As Send.
  bool SendFloats(std::span<const float> values, float* to) {
    Buffer& buffer = buffers_[next_ ^= 1];
    if (!Ready(buffer, values.size_bytes())) return false;
    std::memcpy(buffer.memory.data(), values.data(), values.size_bytes());
    Copy(reinterpret_cast<uint8_t*>(to), buffer.memory.data(), values.size_bytes());
    device_.Note(cudaEventRecord(buffer.copied, device_.stream()));
    return true;
  }

  // Packs a matrix to `to`, device memory of PackedBytes(HeldAs(type), ...). The file is not needed
  // afterwards; the last copies may still run. False where the host has no pinned memory for it.
  // What the device says is noted there.
  bool Send(TensorType type, size_t rows, size_t cols, std::span<const std::byte> file,
            uint8_t* to) {
    const TensorType held = HeldAs(type);
    const PackedMatrix target = ViewOf(held, rows, cols, to);
    const size_t row_bytes = PlaneSizesOf(held, 1, cols).all();
    const size_t most = std::clamp<size_t>(piece_bytes_ / row_bytes, 1, rows);
    const size_t file_row = file.size() / rows;
    for (size_t first = 0; first < rows; first += most) {
      const size_t count = std::min(most, rows - first);
      Buffer& buffer = buffers_[next_ ^= 1];
      if (!Ready(buffer, most * row_bytes)) return false;
      const PlaneSizes sizes = PlaneSizesOf(held, count, cols);
      const PackedRows packed = PlanesIn(buffer.memory.data(), sizes);
      PackPiece(type, count, cols, file.subspan(first * file_row, count * file_row), packed);
      const PlaneSizes before = PlaneSizesOf(held, first, cols);
      Copy(target.quants + before.quants, packed.quants, sizes.quants);
      Copy(target.high + before.high, packed.high, sizes.high);
      Copy(target.scales + before.scales, packed.scales, sizes.scales);
      Copy(target.super + before.super, packed.super, sizes.super);
      device_.Note(cudaEventRecord(buffer.copied, device_.stream()));
    }
    return true;
  }

 private:
  struct Buffer {
    PinnedArray<uint8_t> memory;
    cudaEvent_t copied = nullptr;  // when what it held has left it
  };

  bool Ready(Buffer& buffer, size_t bytes) {
    if (buffer.copied == nullptr) {
      device_.Note(cudaEventCreate(&buffer.copied));
    } else {
      device_.Note(cudaEventSynchronize(buffer.copied));
    }
    return buffer.memory.TryReserve(std::max(bytes, piece_bytes_));
  }

  static PackedRows PlanesIn(uint8_t* data, const PlaneSizes& sizes) {
    uint8_t* const high = data + sizes.quants;
    uint8_t* const scales = high + sizes.high;
    return {data, high, scales, scales + sizes.scales};
  }

  // Each thread packs a run of the rows.
  void PackPiece(TensorType type, size_t rows, size_t cols, std::span<const std::byte> file,
                 const PackedRows& out) {
    const size_t file_row = file.size() / rows;
    const auto n = static_cast<size_t>(lanes_.count());
    lanes_.Run([&](int lane) {
      const size_t begin = rows * static_cast<size_t>(lane) / n;
      const size_t end = rows * (static_cast<size_t>(lane) + 1) / n;
      if (begin == end) return;
      const PlaneSizes before = PlaneSizesOf(HeldAs(type), begin, cols);
      PackRows(type, end - begin, cols, file.subspan(begin * file_row, (end - begin) * file_row),
               {out.quants + before.quants, out.high + before.high, out.scales + before.scales,
                out.super + before.super});
    });
  }

  void Copy(const uint8_t* to, const uint8_t* from, size_t bytes) {
    if (bytes == 0 || !device_.usable()) return;
    device_.Note(cudaMemcpyAsync(const_cast<uint8_t*>(to), from, bytes, cudaMemcpyHostToDevice,
                                 device_.stream()));
  }

  Device& device_;
  const size_t piece_bytes_;
  cpu::Lanes lanes_;
  Buffer buffers_[2];
  unsigned next_ = 0;
};

}  // namespace hearth::model::cuda
