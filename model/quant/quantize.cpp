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

blocks::WeightedEncoder FindWeightedEncoder(TensorType type) {
  switch (type) {
    case TensorType::kQ4_0:
      return blocks::EncodeQ4_0Weighted;
    case TensorType::kQ4_1:
      return blocks::EncodeQ4_1Weighted;
    case TensorType::kQ5_0:
      return blocks::EncodeQ5_0Weighted;
    case TensorType::kQ5_1:
      return blocks::EncodeQ5_1Weighted;
    case TensorType::kQ4_K:
      return blocks::EncodeQ4_K;
    case TensorType::kQ5_K:
      return blocks::EncodeQ5_K;
    case TensorType::kQ6_K:
      return blocks::EncodeQ6_K;
    default:
      return nullptr;
  }
}

}  // namespace

bool CanQuantize(TensorType type) {
  return FindEncoder(type) != nullptr || FindWeightedEncoder(type) != nullptr;
}

void Quantize(TensorType type, std::span<const float> in, std::span<std::byte> out,
              std::span<const float> importance) {
  const blocks::Encoder encode = FindEncoder(type);
  const blocks::WeightedEncoder weighted = FindWeightedEncoder(type);
  const TensorTypeInfo& info = GetTensorType(type);
  const size_t blocks = in.size() / info.block_elements;
  assert(encode != nullptr || weighted != nullptr);
  assert(importance.empty() || importance.size() == in.size());
  assert(in.size() % info.block_elements == 0 && out.size() == blocks * info.block_bytes);
  auto* const bytes = reinterpret_cast<uint8_t*>(out.data());
  if (encode == nullptr || (weighted != nullptr && !importance.empty())) {
    weighted(in.data(), importance.empty() ? nullptr : importance.data(), bytes, blocks);
  } else {
    encode(in.data(), bytes, blocks);
  }
}

}  // namespace hearth::model
