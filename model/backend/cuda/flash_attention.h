// LaunchFlash: attention of many tokens of one sequence (flash_attention.cuh).
#pragma once

#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/flash_attention.cuh"

namespace hearth::model::cuda {

constexpr unsigned FlashParts(unsigned longest_context) {
  return (longest_context + kFlashPart - 1) / kFlashPart;
}

struct FlashTokens {  // of one sequence
  unsigned first, count;
};

// With partials.values null all positions are one part and the result goes to `out`.
void LaunchFlash(Device& device, KvType type, const float* queries, FlashTokens tokens,
                 unsigned n_heads, const TokenPlaces& places, const PagedKv& kv, unsigned layer,
                 const FlashMasks& masks, const Partials& partials, float* out);

}  // namespace hearth::model::cuda
