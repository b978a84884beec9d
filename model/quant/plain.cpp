// F32, F16 and BF16: one number an element, no blocks.
#include "model/quant/blocks.h"

namespace hearth::model::blocks {

void DecodeF32(const uint8_t* in, float* out, size_t elements) {
  std::memcpy(out, in, elements * sizeof(float));
}

void DecodeF16(const uint8_t* in, float* out, size_t elements) {
  for (size_t i = 0; i < elements; ++i) out[i] = LoadHalf(in + 2 * i);
}

void DecodeBf16(const uint8_t* in, float* out, size_t elements) {
  for (size_t i = 0; i < elements; ++i) out[i] = Bf16ToFloat(Load<uint16_t>(in + 2 * i));
}

}  // namespace hearth::model::blocks
