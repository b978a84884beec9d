#include "model/backend/cuda/cuda_weight.h"
#include "model/quant.h"

namespace hearth::model::cuda {

namespace {

constexpr const char* kSmaller = "Use a smaller quantization or --backend cpu";

Status CheckPart(const TensorInfo& part, Role role) {
  if (!CanDequantize(part.type)) {
    return MakeError(ErrorCode::kUnsupported, part.name, ": type ", GetTensorType(part.type).name,
                     " is not supported");
  }
  if (role != Role::kVector && part.cols() % kUnit != 0) {
    return MakeError(ErrorCode::kUnsupported, part.name, ": rows of ", part.cols(),
                     " columns; the CUDA backend needs multiples of ", kUnit);
  }
  return {};
}

Error NoPinnedMemory(const TensorInfo& part) {
  return MakeError(ErrorCode::kResourceExhausted, part.name,
                   ": the system has no pinned memory to send weights from");
}

Status FillVector(Device& device, WeightUpload& upload, std::span<const TensorInfo* const> parts,
                  CudaWeight& weight) {
  std::vector<float> values;
  for (const TensorInfo* part : parts) {
    const size_t old = values.size();
    values.resize(old + part->elements());
    Dequantize(part->type, part->data, std::span(values).subspan(old));
  }
  weight.size = values.size() * sizeof(float);
  if (weight.vector.TryReserve(device, values.size()) != cudaSuccess) {
    return device.TooLarge(parts[0]->name, weight.size, kSmaller);
  }
  if (!upload.SendFloats(values, weight.vector.data())) return NoPinnedMemory(*parts[0]);
  return {};
}

Status FillMatrix(Device& device, WeightUpload& upload, std::span<const TensorInfo* const> parts,
                  CudaWeight& weight) {
  std::vector<size_t> begins;
  for (const TensorInfo* part : parts) {
    begins.push_back(weight.size);
    weight.size += PackedBytes(HeldAs(part->type), part->rows(), part->cols());
  }
  if (weight.memory.TryReserve(device, weight.size) != cudaSuccess) {
    return device.TooLarge(parts[0]->name, weight.size, kSmaller);
  }
  uint32_t first_row = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const TensorInfo& part = *parts[i];
    const TensorType held = HeldAs(part.type);
    uint8_t* to = weight.memory.data() + begins[i];
    if (!upload.Send(part.type, part.rows(), part.cols(), part.data, to)) {
      return NoPinnedMemory(part);
    }
    weight.parts.push_back({ViewOf(held, part.rows(), part.cols(), to), first_row});
    weight.quantized = weight.quantized || PlanesOf(held).scales != 0;
    first_row += static_cast<uint32_t>(part.rows());
  }
  return {};
}

}  // namespace

Result<WeightPtr> LoadWeight(Device& device, WeightUpload& upload,
                             std::span<const TensorInfo* const> parts, Role role) {
  HEARTH_CHECK_OK(device.Lost());
  for (const TensorInfo* part : parts) HEARTH_CHECK_OK(CheckPart(*part, role));
  auto weight = std::make_unique<CudaWeight>();
  HEARTH_CHECK_OK(role == Role::kVector ? FillVector(device, upload, parts, *weight)
                                        : FillMatrix(device, upload, parts, *weight));
  HEARTH_CHECK_OK(device.Lost());
  return WeightPtr(std::move(weight));
}

}  // namespace hearth::model::cuda
