// Attention over paged keys and values. After: Dao et al., "FlashAttention", 2022, and Dao et al.,
// "Flash-Decoding for long-context inference", 2023.
//
// A head's positions are cut into chunks of kChunk, always at the same places, so that a result
// does not depend on what else is computed beside it. A warp takes one query head's chunk; the
// warps of a block are the query heads that share a key-value head, and read the same lines. What
// the chunks gave is merged in order.
#pragma once

#include "model/backend/cuda/paged_kv.cuh"

namespace hearth::model::cuda {

constexpr unsigned kChunk = 256;     // positions
constexpr unsigned kMostGroup = 16;  // query heads of a key-value head

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
