// Keys and values in pages, the tokens that stand in them, and what attention over a part of the
// positions gives.
#pragma once

#include <cuda_fp8.h>

#include "model/backend/cuda/tensor_core.cuh"
#include "model/backend/cuda/warp.cuh"
#include "model/cache/block_table.h"
#include "model/kv_type.h"

namespace hearth::model::cuda {

constexpr unsigned kMostHeadDim = 256;

// Keys and values: [block][layer][kv_head]{keys [16][head_dim], values [16][head_dim]}; with
// kQ8_0 bytes, and behind each half float scales [16][head_dim / 32].
struct PagedKv {
  uint8_t* data;
  unsigned n_layers, n_kv_heads, head_dim;
  size_t half_bytes;

  __host__ __device__ uint8_t* Keys(int block, unsigned layer, unsigned head) const {
    return data +
           ((static_cast<size_t>(block) * n_layers + layer) * n_kv_heads + head) * 2 * half_bytes;
  }
  __host__ __device__ uint8_t* Values(int block, unsigned layer, unsigned head) const {
    return Keys(block, layer, head) + half_bytes;
  }
};
constexpr size_t KvHalfBytes(KvType type, unsigned head_dim) {
  switch (type) {
    case KvType::kF32:
      return size_t{4} * kBlockTokens * head_dim;
    case KvType::kF16:
    case KvType::kBF16:
      return size_t{2} * kBlockTokens * head_dim;
    case KvType::kF8E4M3:
      return size_t{kBlockTokens} * head_dim;
    case KvType::kQ8_0:
      break;
  }
  return size_t{kBlockTokens} * (head_dim + 4 * (head_dim / 32));
}

// More would be infinite as a half.
__device__ inline float BoundedToHalf(float x) {
  return x == x ? fminf(fmaxf(x, -65504.0f), 65504.0f) : x;
}

// Element i of slot `slot` (0 to 15) of a half.
template <KvType kType>
__device__ float KvAt(const uint8_t* half, unsigned head_dim, unsigned slot, unsigned i) {
  const size_t at = static_cast<size_t>(slot) * head_dim + i;
  if constexpr (kType == KvType::kF32) return reinterpret_cast<const float*>(half)[at];
  if constexpr (kType == KvType::kF16) return HalfAt(half + 2 * at);
  if constexpr (kType == KvType::kBF16) {
    return BrainOf(reinterpret_cast<const unsigned short*>(half)[at]);
  }
  if constexpr (kType == KvType::kF8E4M3) {
    return HalfOf(__nv_cvt_fp8_to_halfraw(half[at], __NV_E4M3).x);
  }
  if constexpr (kType == KvType::kQ8_0) {
    const auto* scales = reinterpret_cast<const float*>(half + kBlockTokens * head_dim);
    return scales[slot * (head_dim / 32) + i / 32] * reinterpret_cast<const int8_t*>(half)[at];
  }
}

// Elements i = lane, lane + 32, ... of a head; the warp calls it together, for each i.
template <KvType kType>
__device__ void StoreKvAt(uint8_t* half, unsigned head_dim, unsigned slot, unsigned i, float x) {
  const size_t at = static_cast<size_t>(slot) * head_dim + i;
  if constexpr (kType == KvType::kF32) reinterpret_cast<float*>(half)[at] = x;
  if constexpr (kType == KvType::kF16) {
    reinterpret_cast<unsigned short*>(half)[at] =
        __half_as_ushort(__float2half_rn(BoundedToHalf(x)));
  }
  if constexpr (kType == KvType::kBF16) {
    reinterpret_cast<unsigned short*>(half)[at] = BrainFrom(x);
  }
  if constexpr (kType == KvType::kF8E4M3) {  // what is larger than 448 becomes that
    half[at] = __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3);
  }
  if constexpr (kType == KvType::kQ8_0) {
    const bool finite = WarpSum(x * 0.0f) == 0.0f;
    const float scale = WarpMax(fabsf(x)) / 127.0f;
    const float inverse = finite && scale > 1e-28f ? 1.0f / scale : 0.0f;
    reinterpret_cast<int8_t*>(half)[at] =
        static_cast<int8_t>(finite ? __float2int_rn(x * inverse) : 0);
    if (i % 32 == 0) {
      reinterpret_cast<float*>(half + kBlockTokens * head_dim)[slot * (head_dim / 32) + i / 32] =
          finite ? scale : __uint_as_float(0x7fc00000u);
    }
  }
}

// Eight elements of a slot, fetched with one or two loads.
template <KvType kType>
struct KvEight {
  static constexpr bool kBytes = kType == KvType::kQ8_0 || kType == KvType::kF8E4M3;
  uint4 words[kType == KvType::kF32 ? 2 : 1];  // bytes: x and y alone
  float scale;                                 // kQ8_0

  // Elements i .. i + 7; 8 divides i and head_dim.
  __device__ void Fetch(const uint8_t* half, unsigned head_dim, unsigned slot, unsigned i) {
    const size_t eight = (static_cast<size_t>(slot) * head_dim + i) / 8;
    if constexpr (kBytes) {
      const uint2 two = reinterpret_cast<const uint2*>(half)[eight];
      words[0].x = two.x;
      words[0].y = two.y;
    } else if constexpr (kType == KvType::kF32) {
      words[0] = reinterpret_cast<const uint4*>(half)[2 * eight];
      words[1] = reinterpret_cast<const uint4*>(half)[2 * eight + 1];
    } else {
      words[0] = reinterpret_cast<const uint4*>(half)[eight];
    }
    if constexpr (kType == KvType::kQ8_0) {
      scale = reinterpret_cast<const float*>(half + kBlockTokens *
                                                        head_dim)[slot * (head_dim / 32) + i / 32];
    }
  }
  __device__ void Floats(float* out) const {
    const unsigned in[4] = {words[0].x, words[0].y, words[0].z, words[0].w};
#pragma unroll
    for (unsigned i = 0; i < 8; ++i) {
      if constexpr (kType == KvType::kF32) {
        const uint4& four = words[i / 4];
        out[i] = __uint_as_float(i % 4 == 0   ? four.x
                                 : i % 4 == 1 ? four.y
                                 : i % 4 == 2 ? four.z
                                              : four.w);
      } else if constexpr (kBytes) {
        const auto byte = static_cast<uint8_t>(in[i / 4] >> (i % 4 * 8));
        out[i] = kType == KvType::kQ8_0 ? scale * static_cast<int8_t>(byte)
                                        : HalfOf(__nv_cvt_fp8_to_halfraw(byte, __NV_E4M3).x);
      } else {
        const unsigned bits = in[i / 2] >> (i % 2 * 16) & 0xffffu;
        out[i] = kType == KvType::kBF16 ? BrainOf(bits) : HalfOf(bits);
      }
    }
  }
  __device__ uint4 Halves() const {
    if constexpr (kType == KvType::kF16) return words[0];
    float x[8];
    Floats(x);
    unsigned pairs[4];
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
      pairs[i] = HalfPair(BoundedToHalf(x[2 * i]), BoundedToHalf(x[2 * i + 1]));
    }
    return {pairs[0], pairs[1], pairs[2], pairs[3]};
  }
};

// The tokens of a pass.
struct TokenPlaces {
  const int* positions;  // [tokens]
  const int* tables;     // [tokens]: where the token's sequence begins in `blocks`
  const int* blocks;     // block ids of all sequences
};

// What a part of the positions gave, called a chunk: values are relative to e^top.
struct Partials {
  float* tops;    // [tokens][heads][chunks]
  float* totals;  // 0: nothing seen
  float* values;  // [tokens][heads][chunks][head_dim]
  unsigned chunks;
};

}  // namespace hearth::model::cuda
