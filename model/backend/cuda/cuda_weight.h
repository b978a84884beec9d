// CudaWeight: a weight as the CUDA backend holds it, and how it gets there from a file.
#pragma once

#include <vector>

#include "model/backend/backend.h"
#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/packed_matrix.h"
#include "model/backend/cuda/weight_upload.h"

namespace hearth::model::cuda {

struct CudaWeight : Weight {
  struct Part {
    PackedMatrix matrix;
    uint32_t first_row = 0;
  };
  DeviceArray<float> vector;
  DeviceArray<uint8_t> memory;
  std::vector<Part> parts;
  bool quantized = false;  // a part is
  size_t size = 0;

  size_t bytes() const override { return size; }
};

inline const CudaWeight& Cuda(const WeightPtr& weight) {
  return static_cast<const CudaWeight&>(*weight);
}
inline const float* VectorOf(const WeightPtr& weight) {
  return weight ? Cuda(weight).vector.data() : nullptr;
}

// See Backend::Prepare. The last copies may still run; the stream knows. Fails where the device has
// failed, a type is not known, or memory is short, there or here.
Result<WeightPtr> LoadWeight(Device& device, WeightUpload& upload,
                             std::span<const TensorInfo* const> parts, Role role);

}  // namespace hearth::model::cuda
