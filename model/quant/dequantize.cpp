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
    case TensorType::kQ2_K:
      return blocks::DecodeQ2_K;
    case TensorType::kQ3_K:
      return blocks::DecodeQ3_K;
    case TensorType::kQ4_K:
      return blocks::DecodeQ4_K;
    case TensorType::kQ5_K:
      return blocks::DecodeQ5_K;
    case TensorType::kQ6_K:
      return blocks::DecodeQ6_K;
    case TensorType::kIQ2_XXS:
      return blocks::DecodeIQ2_XXS;
    case TensorType::kIQ2_XS:
      return blocks::DecodeIQ2_XS;
    case TensorType::kIQ2_S:
      return blocks::DecodeIQ2_S;
    case TensorType::kIQ3_XXS:
      return blocks::DecodeIQ3_XXS;
    case TensorType::kIQ3_S:
      return blocks::DecodeIQ3_S;
    case TensorType::kIQ4_NL:
      return blocks::DecodeIQ4_NL;
    case TensorType::kIQ4_XS:
      return blocks::DecodeIQ4_XS;
    case TensorType::kMXFP4:
      return blocks::DecodeMXFP4;
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
