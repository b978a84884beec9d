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

void EncodeF32(const float* in, uint8_t* out, size_t elements) {
  std::memcpy(out, in, elements * sizeof(float));
}

void EncodeF16(const float* in, uint8_t* out, size_t elements) {
  for (size_t i = 0; i < elements; ++i) Store(out + 2 * i, FloatToHalf(in[i]));
}

void EncodeBf16(const float* in, uint8_t* out, size_t elements) {
  for (size_t i = 0; i < elements; ++i) Store(out + 2 * i, FloatToBf16(in[i]));
}

}  // namespace hearth::model::blocks
