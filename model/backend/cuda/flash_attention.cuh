// Attention of many queries of one sequence over its pages, on tensor cores. After: Dao,
// "FlashAttention-2", 2023.
//
// A block takes kFlashQueries tokens of one query head, a warp 16 of them, over steps of some keys:
// scores by one product, weights relative to the highest score so far, values by another. Keys,
// values, queries and weights are halves; sums are floats. Steps begin at multiples of their length
// and parts at multiples of kFlashPart, and what a query does not see changes none of its bits: a
// result does not depend on how a prompt is cut.
#pragma once

#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/paged_kv.cuh"

namespace hearth::model::cuda {

constexpr unsigned kFlashWarps = 4;
constexpr unsigned kFlashQueries = 16 * kFlashWarps;
constexpr unsigned kFlashPart = 2048;  // positions

template <unsigned kDim>
struct FlashShape {
  static constexpr unsigned kKeys = kDim == 64 ? 64 : kDim == 128 ? 32 : 16;  // in a step
  static constexpr unsigned kEights = kDim / 8;
  // A row in shared memory is 16 bytes longer: eight rows' 16 bytes then lie in different banks.
  static constexpr unsigned kStride = kEights + 1;
  static constexpr unsigned kPerThread = kKeys * kEights / (kFlashWarps * kLanes);
  static_assert(kPerThread * kFlashWarps * kLanes == kKeys * kEights);
  static_assert(kFlashPart % kKeys == 0);
};

struct FlashMasks {
  unsigned window;  // 0: all before
  float softcap;    // 0: none
};

// Tokens [first_token, first_token + n_tokens) are neighbours in one sequence. Grid (tiles of
// tokens, query heads, parts). What comes out goes to `out` [token][head][head_dim] where
// partials.values is null, else to the partials of these tokens.
template <KvType kType, unsigned kDim>
__global__ void __launch_bounds__(kFlashWarps* kLanes)
    AttendTiles(const float* queries, unsigned first_token, unsigned n_tokens, unsigned n_heads,
                TokenPlaces places, PagedKv kv, unsigned layer, FlashMasks masks, Partials partials,
                float* out) {
  BeginKernel();
  using Shape = FlashShape<kDim>;
  __shared__ uint4 keys[2][Shape::kKeys * Shape::kStride];  // [stage][key][8 halves]
  __shared__ uint4 values[2][Shape::kKeys * Shape::kStride];
  const unsigned lane = threadIdx.x % kLanes;
  const unsigned g = lane / 4;
  const unsigned pair = lane % 4 * 2;
  const unsigned head = blockIdx.y;
  const unsigned kv_head = head / (n_heads / kv.n_kv_heads);
  const unsigned dim = kv.head_dim;
  const unsigned tile = blockIdx.x * kFlashQueries;
  const unsigned first_position = static_cast<unsigned>(places.positions[first_token]);
  const int* blocks = places.blocks + places.tables[first_token];

  // The lane's two queries; such as are not there see what the last one sees and are not stored.
  unsigned query[2], seen_from[2], seen_to[2];
  for (unsigned r = 0; r < 2; ++r) {
    query[r] = tile + threadIdx.x / kLanes * 16 + g + 8 * r;
    seen_to[r] = first_position + min(query[r], n_tokens - 1) + 1;
    seen_from[r] = masks.window != 0 && seen_to[r] > masks.window ? seen_to[r] - masks.window : 0;
  }
  // Positions of the tile that lie in this block's part.
  const unsigned tile_from = first_position + tile + 1;
  const unsigned begin =
      max(blockIdx.z * kFlashPart,
          (masks.window != 0 && tile_from > masks.window ? tile_from - masks.window : 0) /
              Shape::kKeys * Shape::kKeys);
  const unsigned end =
      min((blockIdx.z + 1) * kFlashPart, first_position + min(tile + kFlashQueries, n_tokens));

  unsigned q[kDim / 16][4];
#pragma unroll
  for (unsigned k = 0; k < kDim / 16; ++k) {
#pragma unroll
    for (unsigned w = 0; w < 4; ++w) {
      const unsigned at = query[w % 2];
      const unsigned i = 16 * k + pair + w / 2 * 8;
      const float* from = queries + (static_cast<size_t>(first_token + at) * n_heads + head) * dim;
      const bool there = at < n_tokens && i < dim;
      q[k][w] = there ? HalfPair(BoundedToHalf(from[i]), BoundedToHalf(from[i + 1])) : 0;
    }
  }

  // What this thread brings of a step: eights of keys and of values.
  KvEight<kType> next_keys[Shape::kPerThread], next_values[Shape::kPerThread];
  const auto place = [&](unsigned n, unsigned step, auto&& use) {
    const unsigned index = n * kFlashWarps * kLanes + threadIdx.x;
    const unsigned key = index / Shape::kEights;
    const unsigned i = index % Shape::kEights * 8;
    use(key * Shape::kStride + i / 8, step + key, i, step + key < end && i < dim);
  };
  const auto fetch = [&](unsigned step) {
#pragma unroll
    for (unsigned n = 0; n < Shape::kPerThread; ++n) {
      place(n, step, [&](unsigned, unsigned position, unsigned i, bool there) {
        if (!there) return;
        const int block = blocks[position / kBlockTokens];
        const unsigned slot = position % kBlockTokens;
        next_keys[n].Fetch(kv.Keys(block, layer, kv_head), dim, slot, i);
        next_values[n].Fetch(kv.Values(block, layer, kv_head), dim, slot, i);
      });
    }
  };
  const auto store = [&](unsigned step, unsigned stage) {
#pragma unroll
    for (unsigned n = 0; n < Shape::kPerThread; ++n) {
      place(n, step, [&](unsigned to, unsigned, unsigned, bool there) {
        // Zeros, not rubbish: a weight of 0 times rubbish may be no number.
        keys[stage][to] = there ? next_keys[n].Halves() : uint4{0, 0, 0, 0};
        values[stage][to] = there ? next_values[n].Halves() : uint4{0, 0, 0, 0};
      });
    }
  };

  float top[2] = {-INFINITY, -INFINITY};
  float total[2] = {};
  float sums[kDim / 8][4] = {};
  const auto attend = [&](unsigned step, unsigned stage) {
    float scores[Shape::kKeys / 8][4] = {};
    const uint4* key_row = keys[stage] + (lane % 8 + lane / 16 * 8) * Shape::kStride + lane / 8 % 2;
#pragma unroll
    for (unsigned k = 0; k < kDim / 16; ++k) {
#pragma unroll
      for (unsigned j = 0; j < Shape::kKeys / 8; j += 2) {
        unsigned b[4];
        LoadMatrices(key_row + j * 8 * Shape::kStride + 2 * k, b);
        MultiplyAdd(q[k], b, scores[j]);
        MultiplyAdd(q[k], b + 2, scores[j + 1]);
      }
    }
    float highest[2] = {top[0], top[1]};
#pragma unroll
    for (unsigned j = 0; j < Shape::kKeys / 8; ++j) {
#pragma unroll
      for (unsigned e = 0; e < 4; ++e) {
        float& score = scores[j][e];
        if (masks.softcap != 0.0f) score = masks.softcap * tanhf(score / masks.softcap);
        const unsigned position = step + 8 * j + pair + e % 2;
        const bool seen = position >= seen_from[e / 2] && position < seen_to[e / 2];
        if (!seen) score = -INFINITY;
        highest[e / 2] = fmaxf(highest[e / 2], score);
      }
    }
    // The four lanes of a row have its keys between them.
    float kept[2];
#pragma unroll
    for (unsigned r = 0; r < 2; ++r) {
      highest[r] = fmaxf(highest[r], __shfl_xor_sync(kAllLanes, highest[r], 1));
      highest[r] = fmaxf(highest[r], __shfl_xor_sync(kAllLanes, highest[r], 2));
      kept[r] = top[r] == -INFINITY ? 0.0f : expf(top[r] - highest[r]);
      top[r] = highest[r];
      total[r] *= kept[r];
    }
#pragma unroll
    for (unsigned d = 0; d < kDim / 8; ++d) {
#pragma unroll
      for (unsigned e = 0; e < 4; ++e) sums[d][e] *= kept[e / 2];
    }
    const uint4* value_row = values[stage] + (lane % 16) * Shape::kStride + lane / 16;
#pragma unroll
    for (unsigned j = 0; j < Shape::kKeys / 8; j += 2) {
      unsigned weights[4];  // 16 keys, as the first factor
#pragma unroll
      for (unsigned w = 0; w < 4; ++w) {
        float two[2];
#pragma unroll
        for (unsigned i = 0; i < 2; ++i) {
          const unsigned r = w % 2;
          const float score = scores[j + w / 2][2 * r + i];
          two[i] = score == -INFINITY ? 0.0f : expf(score - top[r]);
          total[r] += two[i];
        }
        weights[w] = HalfPair(two[0], two[1]);
      }
#pragma unroll
      for (unsigned d = 0; d < kDim / 8; d += 2) {
        unsigned b[4];
        LoadMatricesTransposed(value_row + j * 8 * Shape::kStride + d, b);
        MultiplyAdd(weights, b, sums[d]);
        MultiplyAdd(weights, b + 2, sums[d + 1]);
      }
    }
  };

  // A stage is written while the other is read, and read behind the barrier; what the warp does not
  // see it skips.
  const unsigned warp_to = __shfl_sync(kAllLanes, seen_to[1], kLanes - 1);
  const unsigned warp_from = __shfl_sync(kAllLanes, seen_from[0], 0);
  unsigned stage = 0;
  if (begin < end) {
    fetch(begin);
    store(begin, stage);
  }
  __syncthreads();
  for (unsigned step = begin; step < end; step += Shape::kKeys) {
    const unsigned next = step + Shape::kKeys;
    if (next < end) fetch(next);
    if (step < warp_to && next > warp_from) attend(step, stage);
    if (next < end) store(next, stage ^ 1);
    __syncthreads();
    stage ^= 1;
  }

#pragma unroll
  for (unsigned r = 0; r < 2; ++r) {
    total[r] += __shfl_xor_sync(kAllLanes, total[r], 1);
    total[r] += __shfl_xor_sync(kAllLanes, total[r], 2);
    if (query[r] >= n_tokens) continue;
    const size_t row = static_cast<size_t>(query[r]) * n_heads + head;
    const size_t part = row * partials.chunks + blockIdx.z;
    const bool whole = partials.values == nullptr;
    float* to = whole ? out + (static_cast<size_t>(first_token) * n_heads + row) * dim
                      : partials.values + part * dim;
    if (!whole && lane % 4 == 0) {
      partials.tops[part] = top[r];
      partials.totals[part] = total[r];
    }
#pragma unroll
    for (unsigned d = 0; d < kDim / 8; ++d) {
#pragma unroll
      for (unsigned i = 0; i < 2; ++i) {
        const unsigned at = 8 * d + pair + i;
        if (at < dim) to[at] = whole ? sums[d][2 * r + i] / total[r] : sums[d][2 * r + i];
      }
    }
  }
}

}  // namespace hearth::model::cuda
