// Matrix products on tensor cores, for many rows of activations: a block computes a square tile of
// the result in steps of some columns. Weights become halves on their way into shared memory;
// activations are halves with a scale for each row (activation_rows.h). Sums are floats and run
// over the columns in order, 16 at a time, whatever the tile's size: a row's bits depend neither on
// its neighbours nor on the tile. Where the columns are split (tile_choice.h) the blocks of a tile
// leave their sums in memory, and the last of them to come adds all up, in the order of the
// columns.
#pragma once

#include "model/backend/cuda/activation_rows.h"
#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/matrix_parts.h"
#include "model/backend/cuda/tensor_core.cuh"
#include "model/backend/cuda/tile_choice.h"
#include "model/backend/cuda/weight_units.cuh"

namespace hearth::model::cuda {

constexpr unsigned kTileThreads = 128;  // four warps, each a quarter of the tile

template <Tile kTile>
struct TileShape {
  static constexpr unsigned kWidth = SizeOf(kTile).rows;
  static_assert(SizeOf(kTile).tokens == kWidth);
  // In a step a thread takes one unit of weights.
  static constexpr unsigned kUnits = kTileThreads / kWidth;
  static constexpr unsigned kDepth = kUnits * kUnit;
  // Steps whose weights are under way. Small tiles wait for memory, large ones for registers.
  static constexpr unsigned kAhead = kTile == Tile::kLarge ? 2 : 4;
  // Rows in shared memory are 16 bytes apart more than they are long: eight neighbours' 16 bytes
  // then lie in different banks.
  static constexpr unsigned kStride = kDepth / 8 + 1;  // of 8 halves
  static constexpr unsigned kRowTiles = kWidth / 2 / 16;
  static constexpr unsigned kTokenTiles = kWidth / 2 / 8;
  static constexpr unsigned kSums = kRowTiles * kTokenTiles * 4;  // of a thread
};
static_assert(TileShape<Tile::kSmall>::kDepth == kSplitStep);

// Where the sums of split columns meet; null where nothing is split.
struct SplitSums {
  float* sums;        // [tiles][splits][kSums][kTileThreads]
  unsigned* arrived;  // [tiles]: blocks that have left theirs; 0 between launches
  unsigned steps;     // of a split
};

// Called by a block that has left its sums for the others of its tile: true in the last of them,
// which may read what all have left.
__device__ inline bool ComesLast(unsigned* arrived, unsigned blocks) {
  __shared__ bool last;
  __threadfence();  // the thread's sums come before ...
  __syncthreads();  // ... and so do those of all threads before ...
  if (threadIdx.x == 0) {
    last = atomicAdd(arrived, 1u) == blocks - 1;  // ... the block's arrival.
    if (last) *arrived = 0;  // for the next launch, which waits for this one's end
  }
  __syncthreads();  // `last` is written before it is read
  __threadfence();  // the others' arrivals were seen before their sums are read
  return last;
}

// Adds the sums of a tile's splits up; true in the one block that has them all then.
template <Tile kTile>
__device__ bool JoinSplits(
    float (&sums)[TileShape<kTile>::kRowTiles][TileShape<kTile>::kTokenTiles][4],
    const SplitSums& split) {
  constexpr unsigned kSums = TileShape<kTile>::kSums;
  const size_t tile = blockIdx.y * size_t{gridDim.x} + blockIdx.x;
  float* const all = split.sums + tile * gridDim.z * kSums * kTileThreads + threadIdx.x;
  const auto each_sum = [&](auto&& use) {
#pragma unroll
    for (unsigned k = 0; k < kSums; ++k) {
      constexpr unsigned kTokenTiles = TileShape<kTile>::kTokenTiles;
      use(sums[k / 4 / kTokenTiles][k / 4 % kTokenTiles][k % 4], k * kTileThreads);
    }
  };
  each_sum([&](float sum, unsigned at) { all[blockIdx.z * kSums * kTileThreads + at] = sum; });
  if (!ComesLast(split.arrived + tile, gridDim.z)) return false;
  // Not through L1, which may hold what lay there before.
  each_sum([&](float& sum, unsigned at) { sum = __ldcg(all + at); });
  for (unsigned s = 1; s < gridDim.z; ++s) {
    each_sum([&](float& sum, unsigned at) { sum += __ldcg(all + s * kSums * kTileThreads + at); });
  }
  return true;
}

// out[t * stride + r] (=, or += where add) row r of the parts times row t of x. Grid (tiles of n,
// tiles of rows, splits of the columns): blocks that run together read the same weights.
template <TensorType kType, Tile kTile>
__global__ void __launch_bounds__(kTileThreads)
    MultiplyTiles(MatrixParts parts, ActivationRows x, unsigned n, float* out, size_t stride,
                  bool add, SplitSums split) {
  LetNextStart();
  using Shape = TileShape<kTile>;
  __shared__ uint4 weights[2][Shape::kWidth * Shape::kStride];  // [stage][row][8 halves]
  __shared__ uint4 tokens[2][Shape::kWidth * Shape::kStride];
  const unsigned first_token = blockIdx.x * Shape::kWidth;
  const PartOfBlock part = FindPart(parts, Shape::kWidth, blockIdx.y);
  const PackedMatrix& m = part.matrix;
  const unsigned first_row = part.first_row;
  const unsigned units = m.cols / kUnit;
  const unsigned first_step = blockIdx.z * split.steps;
  const unsigned steps = min((units + Shape::kUnits - 1) / Shape::kUnits, first_step + split.steps);

  // Rows and units behind the last are read as the last: rows are not stored, units are zeroed.
  const unsigned my_row = threadIdx.x / Shape::kUnits;
  const unsigned my_unit = threadIdx.x % Shape::kUnits;
  const size_t matrix_row = min(first_row + my_row, m.rows - 1);
  RawUnit<kType> raw[Shape::kAhead];
  const auto fetch = [&](unsigned step, RawUnit<kType>& to) {
    to.Fetch(m, matrix_row * units + min(step * Shape::kUnits + my_unit, units - 1));
  };
  const auto store = [&](unsigned step, const RawUnit<kType>& from) {
    unsigned pairs[16];
    HalvesOf<kType>(from, pairs);
    const bool real = step * Shape::kUnits + my_unit < units;
    uint4* to = weights[step % 2] + my_row * Shape::kStride + my_unit * (kUnit / 8);
#pragma unroll
    for (unsigned i = 0; i < kUnit / 8; ++i) {
      to[i] = real ? uint4{pairs[4 * i], pairs[4 * i + 1], pairs[4 * i + 2], pairs[4 * i + 3]}
                   : uint4{0, 0, 0, 0};
    }
  };
  const auto copy_tokens = [&](unsigned step) {
    constexpr unsigned kEights = Shape::kDepth / 8;
    for (unsigned i = threadIdx.x; i < Shape::kWidth * kEights; i += kTileThreads) {
      const unsigned t = first_token + i / kEights;
      const unsigned column = step * Shape::kDepth + i % kEights * 8;
      const bool real = t < n && column < m.cols;
      CopyAsync(tokens[step % 2] + i / kEights * Shape::kStride + i % kEights,
                x.halves + (real ? static_cast<size_t>(t) * m.cols + column : 0), real);
    }
  };

  const unsigned lane = threadIdx.x % kLanes;
  const unsigned warp = threadIdx.x / kLanes;
  const unsigned warp_row = warp / 2 * (Shape::kWidth / 2);
  const unsigned warp_token = warp % 2 * (Shape::kWidth / 2);
  float sums[Shape::kRowTiles][Shape::kTokenTiles][4] = {};
  const auto multiply = [&](unsigned stage) {
    // The rows that this lane names, see LoadMatrices: of weights the matrices follow each other
    // down and then right, of tokens right and then down.
    const uint4* row = weights[stage] + (warp_row + lane % 16) * Shape::kStride + lane / 16;
    const uint4* token =
        tokens[stage] + (warp_token + lane % 8 + lane / 16 * 8) * Shape::kStride + lane / 8 % 2;
#pragma unroll
    for (unsigned k = 0; k < Shape::kDepth / 8; k += 2) {
      unsigned a[Shape::kRowTiles][4];
#pragma unroll
      for (unsigned i = 0; i < Shape::kRowTiles; ++i) {
        LoadMatrices(row + i * 16 * Shape::kStride + k, a[i]);
      }
#pragma unroll
      for (unsigned j = 0; j < Shape::kTokenTiles; j += 2) {
        unsigned b[4];
        LoadMatrices(token + j * 8 * Shape::kStride + k, b);
#pragma unroll
        for (unsigned i = 0; i < Shape::kRowTiles; ++i) {
          MultiplyAdd(a[i], b, sums[i][j]);
          MultiplyAdd(a[i], b + 2, sums[i][j + 1]);
        }
      }
    }
  };

  // Step s lies in stage s % 2. While it is multiplied, the next one's activations are copied and
  // the weights of kAhead steps are under way; the other stage was read before the last
  // barrier.
#pragma unroll
  for (unsigned i = 0; i < Shape::kAhead; ++i) fetch(first_step + i, raw[i]);
  WaitForEarlier();  // for the activations, and for whom reads `out` or uses `split`
  copy_tokens(first_step);
  store(first_step, raw[0]);
  fetch(first_step + Shape::kAhead, raw[0]);
  WaitForCopies();
  __syncthreads();
  for (unsigned round = first_step; round < steps; round += Shape::kAhead) {
#pragma unroll
    for (unsigned i = 0; i < Shape::kAhead; ++i) {
      const unsigned step = round + i;
      if (step >= steps) break;
      if (step + 1 < steps) copy_tokens(step + 1);
      multiply(step % 2);
      if (step + 1 < steps) {
        RawUnit<kType>& next = raw[(i + 1) % Shape::kAhead];
        store(step + 1, next);
        fetch(step + 1 + Shape::kAhead, next);
      }
      WaitForCopies();
      __syncthreads();
    }
  }

  if constexpr (kTile == Tile::kSmall) {
    if (gridDim.z > 1 && !JoinSplits<kTile>(sums, split)) return;
  }
#pragma unroll
  for (unsigned i = 0; i < Shape::kRowTiles; ++i) {
#pragma unroll
    for (unsigned j = 0; j < Shape::kTokenTiles; ++j) {
#pragma unroll
      for (unsigned e = 0; e < 4; ++e) {
        const unsigned r = first_row + warp_row + 16 * i + lane / 4 + e / 2 * 8;
        const unsigned t = first_token + warp_token + 8 * j + lane % 4 * 2 + e % 2;
        if (r < m.rows && t < n) {
          float* to = out + t * stride + part.out_row + r;
          const float sum = sums[i][j][e] * x.row_scales[t];
          *to = add ? *to + sum : sum;
        }
      }
    }
  }
}

}  // namespace hearth::model::cuda
