#include <cassert>

#include "model/quant.h"
#include "model/quant/blocks.h"

namespace hearth::model {
namespace {

// Null for a type that holds no weights (the integers, F64).
blocks::Decoder FindDecoder(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return blocks::DecodeF32;
    case TensorType::kF16:
      return blocks::DecodeF16;
    case TensorType::kBF16:
      return blocks::DecodeBf16;
    case TensorType::kQ4_0:
      return blocks::DecodeQ4_0;
    case TensorType::kQ4_1:
      return blocks::DecodeQ4_1;
    case TensorType::kQ5_0:
      return blocks::DecodeQ5_0;
    case TensorType::kQ5_1:
      return blocks::DecodeQ5_1;
    case TensorType::kQ8_0:
      return blocks::DecodeQ8_0;
    default:
      return nullptr;
  }
}

}  // namespace

bool CanDequantize(TensorType type) { return FindDecoder(type) != nullptr; }

void Dequantize(TensorType type, std::span<const std::byte> in, std::span<float> out) {
  const blocks::Decoder decode = FindDecoder(type);
  const TensorTypeInfo& info = GetTensorType(type);
  const size_t blocks = out.size() / info.block_elements;
  assert(decode != nullptr);
  assert(out.size() % info.block_elements == 0 && in.size() == blocks * info.block_bytes);
  decode(reinterpret_cast<const uint8_t*>(in.data()), out.data(), blocks);
}

}  // namespace hearth::model
