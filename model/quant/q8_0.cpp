// Q8_0, 32 elements in 34 bytes: half d; 32 signed bytes q. Value: d * q.
#include "model/quant/blocks.h"

namespace hearth::model::blocks {

void DecodeQ8_0(const uint8_t* in, float* out, size_t blocks) {
  for (; blocks != 0; --blocks, in += 34, out += 32) {
    const float d = LoadHalf(in);
    for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(static_cast<int8_t>(in[2 + j]));
  }
}

}  // namespace hearth::model::blocks
