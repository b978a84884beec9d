#include "model/backend/cpu/cpu_weight.h"

#include <algorithm>
#include <cstring>

#include "model/model.h"
#include "model/quant.h"

namespace hearth::model::cpu {

size_t CpuWeight::bytes() const {
  size_t bytes = vector.size() * sizeof(float);
  for (const Part& part : parts) bytes += part.panels.panel_bytes * part.panels.count();
  return bytes;
}

Result<WeightPtr> CpuWeight::FromVectors(std::span<const TensorInfo* const> parts) {
  auto weight = std::make_unique<CpuWeight>();
  for (const TensorInfo* part : parts) {
    if (!CanDequantize(part->type)) {
      return MakeError(ErrorCode::kUnsupported, part->name, ": type ",
                       GetTensorType(part->type).name, " is not supported");
    }
    const size_t old = weight->vector.size();
    weight->vector.resize(old + part->elements());
    Dequantize(part->type, part->data, std::span(weight->vector).subspan(old));
  }
  return WeightPtr(std::move(weight));
}

namespace {

// A format without kernels of its own is held as F16: 2 bytes a weight, one part in 2000 off.
TensorType HeldType(const Kernels& kernels, const TensorInfo& tensor) {
  return kernels.panel_bytes(tensor.type, tensor.cols()) != 0 ? tensor.type : TensorType::kF16;
}

// Packs the panels of one lane's share.
void PackShare(const TensorInfo& tensor, const Panels& panels, const Kernels& kernels, size_t begin,
               size_t end) {
  const auto* file = reinterpret_cast<const uint8_t*>(tensor.data.data());
  const size_t row_bytes = tensor.data.size() / panels.rows;
  std::vector<float> floats;
  std::vector<uint16_t> halves;
  if (panels.type != tensor.type) {
    floats.resize(panels.cols);
    halves.resize(kPanelRows * panels.cols);
  }
  for (size_t p = begin; p < end; ++p) {
    const size_t row = p * kPanelRows;
    const size_t n_rows = std::min(kPanelRows, panels.rows - row);
    const uint8_t* rows = file + row * row_bytes;
    if (panels.type != tensor.type) {
      for (size_t r = 0; r < n_rows; ++r) {
        Dequantize(tensor.type, tensor.data.subspan((row + r) * row_bytes, row_bytes), floats);
        for (size_t c = 0; c < panels.cols; ++c) {
          halves[r * panels.cols + c] = FloatToHalf(floats[c]);
        }
      }
      rows = reinterpret_cast<const uint8_t*>(halves.data());
    }
    kernels.pack_panel(panels, rows, n_rows, panels.data + p * panels.panel_bytes);
  }
}

}  // namespace

Result<WeightPtr> CpuWeight::FromMatrices(std::span<const TensorInfo* const> parts,
                                          const Kernels& kernels, Lanes& lanes) {
  auto weight = std::make_unique<CpuWeight>();
  size_t total = 0;
  size_t first_row = 0;
  for (const TensorInfo* part : parts) {
    const TensorType type = HeldType(kernels, *part);
    if (type != part->type && !CanDequantize(part->type)) {
      return MakeError(ErrorCode::kUnsupported, part->name, ": type ",
                       GetTensorType(part->type).name, " is not supported");
    }
    if (part->cols() % kPanelRows != 0) {
      return MakeError(ErrorCode::kUnsupported, part->name, ": rows of ", part->cols(),
                       " elements; the CPU backend needs a multiple of ", kPanelRows);
    }
    const size_t panel_bytes = kernels.panel_bytes(type, part->cols());
    const Panels panels = {type, part->rows(), part->cols(), panel_bytes, nullptr};
    weight->parts.push_back({panels, first_row});
    weight->wants_quantized |= kernels.wants_quantized(type);
    first_row += part->rows();
    total += panels.count() * panel_bytes;
  }
  weight->memory = AlignedBuffer(total);
  if (weight->memory.data() == nullptr) {
    return MakeError(ErrorCode::kResourceExhausted, parts[0]->name, ": no memory for ", total,
                     " bytes of weights");
  }
  uint8_t* at = weight->memory.data();
  for (size_t i = 0; i < parts.size(); ++i) {
    Panels& panels = weight->parts[i].panels;
    panels.data = at;
    at += panels.count() * panels.panel_bytes;
    lanes.Run([&](int lane) {
      const auto n = static_cast<size_t>(lanes.count());
      PackShare(*parts[i], panels, kernels, panels.count() * static_cast<size_t>(lane) / n,
                panels.count() * (static_cast<size_t>(lane) + 1) / n);
    });
  }
  return WeightPtr(std::move(weight));
}

size_t CpuKv::BlockBytes(const ModelConfig& config, KvType type) {
  return size_t{2} * config.n_layers * config.n_kv_heads * KvBytes(type, config.head_dim);
}

void CpuKv::CopyBlock(BlockId from, BlockId to) {
  std::memcpy(keys(to, 0, 0), keys(from, 0, 0), n_layers_ * n_kv_heads_ * 2 * half_bytes_);
}

Result<std::unique_ptr<CpuKv>> CpuKv::Create(const ModelConfig& config, uint32_t n_blocks,
                                             uint32_t host_blocks, KvType type) {
  if (type == KvType::kF8E4M3) {
    return MakeError(ErrorCode::kUnsupported,
                     "a KV cache of f8_e4m3 is for GPUs (--backend cuda); ",
                     "on the CPU q8_0 takes as little memory and is more exact");
  }
  auto kv = std::make_unique<CpuKv>(n_blocks, host_blocks);
  if (type == KvType::kQ8_0 && config.head_dim % kKvQuantBlock != 0) {
    return MakeError(ErrorCode::kUnsupported, "a KV cache of q8_0 needs heads whose length ",
                     kKvQuantBlock, " divides; this model's are ", config.head_dim,
                     " long: use f16 or bf16");
  }
  kv->type_ = type;
  kv->n_layers_ = config.n_layers;
  kv->n_kv_heads_ = config.n_kv_heads;
  kv->half_bytes_ = KvBytes(type, config.head_dim);
  const size_t bytes = (size_t{n_blocks} + host_blocks) * BlockBytes(config, type);
  kv->memory_ = AlignedBuffer(bytes);
  if (kv->memory_.data() == nullptr) {
    return MakeError(ErrorCode::kResourceExhausted, "no address space for a KV cache of ",
                     n_blocks * kBlockTokens, " tokens (", bytes, " bytes)");
  }
  return kv;
}

}  // namespace hearth::model::cpu

namespace hearth::model {

uint64_t WeightBytes(const GgufFile& file) {
  const cpu::Kernels& kernels = cpu::kScalarKernels;  // all instruction sets have the same formats
  uint64_t bytes = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    const cpu::Panels panels = {cpu::HeldType(kernels, tensor), tensor.rows(), tensor.cols()};
    bytes += tensor.n_dims < 2 ? tensor.elements() * sizeof(float)
                               : panels.count() * kernels.panel_bytes(panels.type, panels.cols);
  }
  return bytes;
}

}  // namespace hearth::model
