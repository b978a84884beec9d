#include <cassert>

#include "model/quant.h"
#include "model/quant/blocks.h"

namespace hearth::model {
namespace {

blocks::Encoder FindEncoder(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return blocks::EncodeF32;
    case TensorType::kF16:
      return blocks::EncodeF16;
    case TensorType::kBF16:
      return blocks::EncodeBf16;
    case TensorType::kQ4_0:
      return blocks::EncodeQ4_0;
    case TensorType::kQ4_1:
      return blocks::EncodeQ4_1;
    case TensorType::kQ5_0:
      return blocks::EncodeQ5_0;
    case TensorType::kQ5_1:
      return blocks::EncodeQ5_1;
    case TensorType::kQ8_0:
      return blocks::EncodeQ8_0;
    default:
      return nullptr;
  }
}

}  // namespace

bool CanQuantize(TensorType type) { return FindEncoder(type) != nullptr; }

void Quantize(TensorType type, std::span<const float> in, std::span<std::byte> out) {
  const blocks::Encoder encode = FindEncoder(type);
  const TensorTypeInfo& info = GetTensorType(type);
  const size_t blocks = in.size() / info.block_elements;
  assert(encode != nullptr);
  assert(in.size() % info.block_elements == 0 && out.size() == blocks * info.block_bytes);
  encode(in.data(), reinterpret_cast<uint8_t*>(out.data()), blocks);
}

}  // namespace hearth::model
