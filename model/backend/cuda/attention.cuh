// Attention over paged keys and values. After: Dao et al., "FlashAttention", 2022, and Dao et al.,
// "Flash-Decoding for long-context inference", 2023.
//
// A head's positions are cut into chunks of kChunk, always at the same places, so that a result
// does not depend on what else is computed beside it. A warp takes one query head's chunk; the
// warps of a block are the query heads that share a key-value head, and read the same lines. What
// the chunks gave is merged in order.
#pragma once

#include "model/backend/cuda/paged_kv.cuh"
#include "model/backend/cuda/rows.cuh"

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
  BeginKernel();
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

// What AttendChunks keeps of keys or values at a time: floats, a row 16 bytes longer than a head.
constexpr unsigned kStageFloats = 32 * (kMostHeadDim / 2 + 4);

// Grid (tokens, kv heads, chunks), block (32, query heads of a kv head). Tokens from `first_token`
// on; the partials are those of these tokens alone. The block brings keys to shared memory, in
// lines, then each warp scores them with its query, a lane a key; likewise values, a lane some of a
// head's elements.
template <KvType kType>
__global__ void __launch_bounds__(kMostGroup* kLanes)
    AttendChunks(const float* queries, unsigned first_token, unsigned n_heads, TokenPlaces places,
                 PagedKv kv, unsigned layer, unsigned window, float softcap, Partials partials) {
  BeginKernel();
  constexpr unsigned kEach = kMostHeadDim / kLanes;  // elements of a head in a lane, at most
  __shared__ float4 query[kMostGroup * kMostHeadDim / 4];
  __shared__ float4 stage[kStageFloats / 4];
  const unsigned lane = threadIdx.x;
  const unsigned t = first_token + blockIdx.x;
  const unsigned kv_head = blockIdx.y;
  const unsigned chunk = blockIdx.z;
  const unsigned dim = kv.head_dim;
  const unsigned stride = dim / 4 + 1;
  const unsigned n_keys = dim <= kMostHeadDim / 2 ? 32 : 16;
  const unsigned head = kv_head * blockDim.y + threadIdx.y;
  float4* mine = query + threadIdx.y * (dim / 4);
  const size_t row = static_cast<size_t>(t) * n_heads + head;
  for (unsigned i = lane; i < dim / 4; i += kLanes) {
    mine[i] = reinterpret_cast<const float4*>(queries + row * dim)[i];
  }
  const unsigned position = static_cast<unsigned>(places.positions[t]);
  const unsigned seen_from = window != 0 && position >= window ? position - window + 1 : 0;
  const unsigned begin = chunk * kChunk;
  const unsigned end = min(begin + kChunk, position + 1);
  const int* blocks = places.blocks + places.tables[t];
  // Positions [at, at + n_keys) to the stage; the block calls it, which has read what was there.
  const auto bring = [&](unsigned at, bool is_value) {
    __syncthreads();
    const unsigned eights = dim / 8;
    for (unsigned i = threadIdx.y * kLanes + lane; i < n_keys * eights; i += blockDim.y * kLanes) {
      const unsigned p = at + i / eights;
      if (p >= end) break;
      const int block = blocks[p / kBlockTokens];
      KvEight<kType> eight;
      eight.Fetch(is_value ? kv.Values(block, layer, kv_head) : kv.Keys(block, layer, kv_head), dim,
                  p % kBlockTokens, i % eights * 8);
      float x[8];
      eight.Floats(x);
      float4* to = stage + i / eights * stride + i % eights * 2;
      to[0] = float4{x[0], x[1], x[2], x[3]};
      to[1] = float4{x[4], x[5], x[6], x[7]};
    }
    __syncthreads();
  };

  float top = -INFINITY;
  float total = 0;
  float sums[kEach] = {};
  for (unsigned at = begin; at < end; at += n_keys) {
    if (at + n_keys <= seen_from) continue;
    bring(at, false);
    const unsigned p = at + lane;
    const bool seen = lane < n_keys && p < end && p >= seen_from;
    float score = -INFINITY;
    if (seen) {
      float4 dot{};
      for (unsigned i = 0; i < dim / 4; ++i) {
        const float4 q = mine[i];
        const float4 k = stage[lane * stride + i];
        dot.x = fmaf(q.x, k.x, dot.x);
        dot.y = fmaf(q.y, k.y, dot.y);
        dot.z = fmaf(q.z, k.z, dot.z);
        dot.w = fmaf(q.w, k.w, dot.w);
      }
      score = (dot.x + dot.y) + (dot.z + dot.w);
      if (softcap != 0.0f) score = softcap * tanhf(score / softcap);
    }
    const float higher = fmaxf(top, WarpMax(score));
    const float kept = top == -INFINITY ? 0.0f : expf(top - higher);
    const float weight = seen ? expf(score - higher) : 0.0f;
    total = fmaf(total, kept, WarpSum(weight));
#pragma unroll
    for (unsigned e = 0; e < kEach; ++e) sums[e] *= kept;
    top = higher;
    bring(at, true);
    const unsigned count = min(n_keys, end - at);
    for (unsigned j = 0; j < count; ++j) {
      const float w = __shfl_sync(kAllLanes, weight, j);
      if (at + j < seen_from) continue;
      const auto* values = reinterpret_cast<const float*>(stage + j * stride);
#pragma unroll
      for (unsigned e = 0; e < kEach; ++e) {
        if (lane + e * kLanes < dim) sums[e] = fmaf(w, values[lane + e * kLanes], sums[e]);
      }
    }
  }
  const size_t out = (static_cast<size_t>(blockIdx.x) * n_heads + head) * partials.chunks + chunk;
  if (lane == 0) {
    partials.tops[out] = top;
    partials.totals[out] = total;
  }
#pragma unroll
  for (unsigned e = 0; e < kEach; ++e) {
    if (lane + e * kLanes < dim) partials.values[out * dim + lane + e * kLanes] = sums[e];
  }
}

// Grid (tokens, heads, units of 32 columns of a head), a warp each: row first_token + t, columns
// [head][dim], from what the head's chunks gave, and rounded where `rounded` (32 divides a head
// then). Chunks of which nothing was seen add zeros, so their number changes no bit.
[[maybe_unused]] static __global__ void MergeChunks(Partials partials, unsigned first_token,
                                                    unsigned n_heads, unsigned dim,
                                                    ActivationRows out, bool rounded) {
  BeginKernel();
  const unsigned lane = threadIdx.x;
  const size_t first = (static_cast<size_t>(blockIdx.x) * n_heads + blockIdx.y) * partials.chunks;
  float top = -INFINITY;
  for (unsigned c = lane; c < partials.chunks; c += kLanes) {
    if (partials.totals[first + c] != 0.0f) top = fmaxf(top, partials.tops[first + c]);
  }
  top = WarpMax(top);
  const unsigned i = blockIdx.z * kLanes + lane;
  const float* values = partials.values + first * dim + min(i, dim - 1);
  float total = 0;
  float sum = 0;
  for (unsigned c = 0; c < partials.chunks; c += kLanes) {
    const size_t mine = first + c + lane;
    const bool seen = c + lane < partials.chunks && partials.totals[mine] != 0.0f;
    const float factor = seen ? expf(partials.tops[mine] - top) : 0.0f;
    if (seen) total = fmaf(partials.totals[mine], factor, total);
    const unsigned count = min(kLanes, partials.chunks - c);
#pragma unroll 8
    for (unsigned j = 0; j < count; ++j) {
      const float f = __shfl_sync(kAllLanes, factor, j);
      sum = fmaf(values[static_cast<size_t>(c + j) * dim], f, sum);
    }
  }
  const float result = sum / WarpSum(total);
  if (i >= dim) return;  // the whole warp stays where it rounds
  const unsigned column = blockIdx.y * dim + i;
  const size_t token = first_token + blockIdx.x;
  out.floats[token * out.cols + column] = result;
  if (rounded) RoundColumns<1>({result}, out, token, column, true);
}

}  // namespace hearth::model::cuda
