// Attention over paged keys and values. After: Dao et al., "FlashAttention", 2022, and Dao et al.,
// "Flash-Decoding for long-context inference", 2023.
//
// A head's positions are cut into chunks of kChunk, always at the same places, so that a result
// does not depend on what else is computed beside it. A warp takes one query head's chunk; the
// warps of a block are the query heads that share a key-value head, and read the same lines. What
// the chunks gave is merged in order.
#pragma once

#include "model/backend/cuda/warp.cuh"
#include "model/cache/block_table.h"
#include "model/kv_type.h"

namespace hearth::model::cuda {

constexpr unsigned kChunk = 256;  // positions
constexpr unsigned kMostHeadDim = 256;
constexpr unsigned kMostGroup = 16;  // query heads of a key-value head

// Keys and values: [block][layer][kv_head]{keys [16][head_dim], values [16][head_dim]}; with
// kQ8_0 bytes, and behind each half float scales [16][head_dim / 32].
struct PagedKv {
  uint8_t* data;
  unsigned n_layers, n_kv_heads, head_dim;
  size_t half_bytes;

  __device__ uint8_t* Keys(int block, unsigned layer, unsigned head) const {
    return data +
           ((static_cast<size_t>(block) * n_layers + layer) * n_kv_heads + head) * 2 * half_bytes;
  }
  __device__ uint8_t* Values(int block, unsigned layer, unsigned head) const {
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
    case KvType::kQ8_0:
      break;
  }
  return size_t{kBlockTokens} * (head_dim + 4 * (head_dim / 32));
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
    const float bounded = fminf(fmaxf(x, -65504.0f), 65504.0f);  // more would be infinite
    reinterpret_cast<unsigned short*>(half)[at] =
        __half_as_ushort(__float2half_rn(x == x ? bounded : x));
  }
  if constexpr (kType == KvType::kBF16) {
    reinterpret_cast<unsigned short*>(half)[at] = BrainFrom(x);
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

// The tokens of a pass.
struct TokenPlaces {
  const int* positions;  // [tokens]
  const int* tables;     // [tokens]: where the token's sequence begins in `blocks`
  const int* blocks;     // block ids of all sequences
};

struct HeadNorms {
  const float* bias;    // [q | k | v], or null
  const float* q_norm;  // [head_dim], or null
  const float* k_norm;
  float epsilon;
};

struct RopeTable {
  const float* cosines;  // [tokens][pairs]
  const float* sines;
  unsigned pairs;  // 0: positions leave no trace
  bool halves;     // pairs (i, i + pairs), not (2i, 2i + 1)
};

// One head of one token of the joined products [q | k | v]: bias, norm and rotation, then queries
// (scaled) to `queries`, keys and values to the cache. Grid (tokens, all heads), a warp each.
template <KvType kType>
__global__ void FinishHeads(float* qkv, unsigned n_heads, HeadNorms norms, RopeTable rope,
                            const float* query_scales, TokenPlaces places, PagedKv kv,
                            unsigned layer, float* queries) {
  const unsigned lane = threadIdx.x;
  const unsigned t = blockIdx.x;
  const unsigned head = blockIdx.y;
  const unsigned dim = kv.head_dim;
  const unsigned all = (n_heads + 2 * kv.n_kv_heads) * dim;
  const bool is_query = head < n_heads;
  const bool is_value = head >= n_heads + kv.n_kv_heads;
  float* x = qkv + static_cast<size_t>(t) * all + head * dim;
  const float* norm = is_value ? nullptr : is_query ? norms.q_norm : norms.k_norm;
  float squares = 0;
  for (unsigned i = lane; i < dim; i += kLanes) {
    if (norms.bias != nullptr) x[i] += norms.bias[head * dim + i];
    squares = fmaf(x[i], x[i], squares);
  }
  squares = WarpSum(squares);
  const float inverse =
      norm != nullptr ? 1.0f / sqrtf(squares / static_cast<float>(dim) + norms.epsilon) : 1.0f;
  const auto normed = [&](unsigned i) { return norm != nullptr ? x[i] * inverse * norm[i] : x[i]; };
  __syncwarp();
  const int position = places.positions[t];
  const int block = places.blocks[places.tables[t] + position / static_cast<int>(kBlockTokens)];
  const unsigned slot = static_cast<unsigned>(position) % kBlockTokens;
  const unsigned kv_head = (head - n_heads) % kv.n_kv_heads;
  for (unsigned i = lane; i < dim; i += kLanes) {
    float value = normed(i);
    if (!is_value && i < 2 * rope.pairs) {
      const unsigned pair = rope.halves ? i % rope.pairs : i / 2;
      const bool first = rope.halves ? i < rope.pairs : i % 2 == 0;
      const unsigned other = rope.halves ? (first ? i + rope.pairs : i - rope.pairs) : i ^ 1u;
      const float c = rope.cosines[static_cast<size_t>(t) * rope.pairs + pair];
      const float s = rope.sines[static_cast<size_t>(t) * rope.pairs + pair];
      value = first ? value * c - normed(other) * s : normed(other) * s + value * c;
    }
    if (is_query) {
      queries[(static_cast<size_t>(t) * n_heads + head) * dim + i] = value * query_scales[t];
    } else {
      uint8_t* half = is_value ? kv.Values(block, layer, kv_head) : kv.Keys(block, layer, kv_head);
      StoreKvAt<kType>(half, dim, slot, i, value);
    }
  }
}

// What a chunk gave: values are relative to e^top.
struct Partials {
  float* tops;    // [tokens][heads][chunks]
  float* totals;  // 0: nothing seen
  float* values;  // [tokens][heads][chunks][head_dim]
  unsigned chunks;
};

// Grid (tokens, kv heads, chunks), block (32, query heads of a kv head). Tokens from `first_token`
// on; the partials are those of these tokens alone.
template <KvType kType>
__global__ void __launch_bounds__(kMostGroup* kLanes)
    AttendChunks(const float* queries, unsigned first_token, unsigned n_heads, TokenPlaces places,
                 PagedKv kv, unsigned layer, unsigned window, float softcap, Partials partials) {
  constexpr unsigned kEach = kMostHeadDim / kLanes;  // elements of a head in a lane, at most
  __shared__ float query[kMostGroup * kMostHeadDim];
  const unsigned lane = threadIdx.x;
  const unsigned t = first_token + blockIdx.x;
  const unsigned kv_head = blockIdx.y;
  const unsigned chunk = blockIdx.z;
  const unsigned dim = kv.head_dim;
  const unsigned head = kv_head * blockDim.y + threadIdx.y;
  float* mine = query + threadIdx.y * dim;
  const size_t row = static_cast<size_t>(t) * n_heads + head;
  for (unsigned i = lane; i < dim; i += kLanes) mine[i] = queries[row * dim + i];
  __syncwarp();
  const unsigned position = static_cast<unsigned>(places.positions[t]);
  const unsigned seen_from = window != 0 && position >= window ? position - window + 1 : 0;
  const unsigned begin = chunk * kChunk;
  const unsigned end = min(begin + kChunk, position + 1);
  const int* blocks = places.blocks + places.tables[t];

  float top = -INFINITY;
  float total = 0;
  float sums[kEach] = {};
  for (unsigned at = begin; at < end; at += kLanes) {
    if (at + kLanes <= seen_from) continue;
    const unsigned p = at + lane;
    const bool seen = p < end && p >= seen_from;
    float score = -INFINITY;
    if (seen) {
      const uint8_t* keys = kv.Keys(blocks[p / kBlockTokens], layer, kv_head);
      float dot = 0;
      for (unsigned i = 0; i < dim; ++i) {
        dot = fmaf(mine[i], KvAt<kType>(keys, dim, p % kBlockTokens, i), dot);
      }
      score = softcap == 0.0f ? dot : softcap * tanhf(dot / softcap);
    }
    const float higher = fmaxf(top, WarpMax(score));
    const float kept = top == -INFINITY ? 0.0f : expf(top - higher);
    const float weight = seen ? expf(score - higher) : 0.0f;
    total = fmaf(total, kept, WarpSum(weight));
    for (unsigned e = 0; e < kEach; ++e) sums[e] *= kept;
    top = higher;
    const unsigned count = min(kLanes, end - at);
    for (unsigned j = 0; j < count; ++j) {
      const float w = __shfl_sync(kAllLanes, weight, j);
      if (at + j < seen_from) continue;
      const uint8_t* values = kv.Values(blocks[(at + j) / kBlockTokens], layer, kv_head);
      for (unsigned e = 0; e < kEach && lane + e * kLanes < dim; ++e) {
        sums[e] =
            fmaf(w, KvAt<kType>(values, dim, (at + j) % kBlockTokens, lane + e * kLanes), sums[e]);
      }
    }
  }
  const size_t out = (static_cast<size_t>(blockIdx.x) * n_heads + head) * partials.chunks + chunk;
  if (lane == 0) {
    partials.tops[out] = top;
    partials.totals[out] = total;
  }
  for (unsigned e = 0; e < kEach && lane + e * kLanes < dim; ++e) {
    partials.values[out * dim + lane + e * kLanes] = sums[e];
  }
}

// Grid (tokens, heads), a warp each: out[first_token + t][head] from what its chunks gave.
[[maybe_unused]] static __global__ void MergeChunks(Partials partials, unsigned first_token,
                                                    unsigned n_heads, unsigned dim, float* out) {
  const size_t row = static_cast<size_t>(blockIdx.x) * n_heads + blockIdx.y;
  out += static_cast<size_t>(first_token) * n_heads * dim;
  const size_t first = row * partials.chunks;
  float top = -INFINITY;
  for (unsigned c = 0; c < partials.chunks; ++c) {
    if (partials.totals[first + c] != 0.0f) top = fmaxf(top, partials.tops[first + c]);
  }
  float total = 0;
  for (unsigned c = 0; c < partials.chunks; ++c) {
    if (partials.totals[first + c] == 0.0f) continue;
    total = fmaf(partials.totals[first + c], expf(partials.tops[first + c] - top), total);
  }
  for (unsigned i = threadIdx.x; i < dim; i += kLanes) {
    float sum = 0;
    for (unsigned c = 0; c < partials.chunks; ++c) {
      if (partials.totals[first + c] == 0.0f) continue;
      sum = fmaf(partials.values[(first + c) * dim + i], expf(partials.tops[first + c] - top), sum);
    }
    out[row * dim + i] = sum / total;
  }
}

}  // namespace hearth::model::cuda
