// Matrix products for many rows of activations on devices of compute capability 9.0, whose matrix
// units want both factors in shared memory and four warps to an instruction. As tile_products.cuh
// does, a block takes a tile of the result in steps of columns, and weights become halves on their
// way into shared memory; here they go to where the instruction looks for them (warpgroup.cuh), and
// the threads unpack one step while the matrix units are busy with the one before.
//
// Sums run over the columns in order, 16 at a time, whatever the tile's width.
#pragma once

#include "model/backend/cuda/activation_rows.h"
#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/matrix_parts.h"
#include "model/backend/cuda/tensor_core.cuh"
#include "model/backend/cuda/tile_choice.h"
#include "model/backend/cuda/warpgroup.cuh"
#include "model/backend/cuda/weight_units.cuh"

namespace hearth::model::cuda {

constexpr unsigned kGroupThreads = 128;  // of a warpgroup

template <Tile kTile>
struct GroupShape {
  static constexpr unsigned kRows = SizeOf(kTile).rows;
  static constexpr unsigned kTokens = SizeOf(kTile).tokens;
  static constexpr unsigned kThreads = kRows / 64 * kGroupThreads;
  // A row of a step in shared memory: 128 bytes, what a swizzle covers.
  static constexpr unsigned kDepth = 64;
  static constexpr unsigned kRowBytes = kDepth * 2;
  static constexpr unsigned kUnits = kDepth / kUnit;
  static_assert(kThreads == kRows * kUnits);  // a thread takes one unit of weights in a step
  static constexpr unsigned kWeightBytes = kRows * kRowBytes;
  static constexpr unsigned kStageBytes = kWeightBytes + kTokens * kRowBytes;
  // One is being multiplied, one is waiting behind it, one is being written.
  static constexpr unsigned kStages = 3;
  static constexpr unsigned kSharedBytes = kStages * kStageBytes;
  // On a multiprocessor: what one waits for, the other one does without.
  static constexpr unsigned kBlocks = kTile == Tile::kGroups ? 2 : 1;
  static constexpr unsigned kSums = kTokens / 2;  // of a thread: 64 x kTokens of a warpgroup
};

// Where 16 bytes of a row of a step lie.
__device__ inline uint4* SwizzledAt(uint8_t* matrix, unsigned row, unsigned eight) {
  return reinterpret_cast<uint4*>(matrix + row * 128) + (eight ^ row % 8);
}

// out[t * stride + r] (=, or += where add) row r of the parts times row t of x. Grid (tiles of n,
// tiles of rows): blocks that run together read the same weights. Does nothing on other devices.
template <TensorType kType, Tile kTile>
__global__ void __launch_bounds__(GroupShape<kTile>::kThreads, GroupShape<kTile>::kBlocks)
    MultiplyGroups(MatrixParts parts, ActivationRows x, unsigned n, float* out, size_t stride,
                   bool add) {
  LetNextStart();
#ifdef HEARTH_WARPGROUPS
  using Shape = GroupShape<kTile>;
  uint8_t* const shared = DynamicShared();
  const unsigned first_token = blockIdx.x * Shape::kTokens;
  const PartOfBlock part = FindPart(parts, Shape::kRows, blockIdx.y);
  const PackedMatrix& m = part.matrix;
  const unsigned first_row = part.first_row;
  const unsigned units = m.cols / kUnit;
  const unsigned steps = (units + Shape::kUnits - 1) / Shape::kUnits;
  const auto weights_of = [&](unsigned step) {
    return shared + step % Shape::kStages * Shape::kStageBytes;
  };
  const auto tokens_of = [&](unsigned step) { return weights_of(step) + Shape::kWeightBytes; };

  // Rows and units behind the last are read as the last: rows are not stored, units are zeroed.
  const unsigned my_row = threadIdx.x / Shape::kUnits;
  const unsigned my_unit = threadIdx.x % Shape::kUnits;
  const size_t matrix_row = min(first_row + my_row, m.rows - 1);
  RawUnit<kType> raw;
  const auto fetch = [&](unsigned step) {
    raw.Fetch(m, matrix_row * units + min(step * Shape::kUnits + my_unit, units - 1));
  };
  const auto store = [&](unsigned step) {
    unsigned pairs[16];
    HalvesOf<kType>(raw, pairs);
    const bool real = step * Shape::kUnits + my_unit < units;
#pragma unroll
    for (unsigned i = 0; i < kUnit / 8; ++i) {
      *SwizzledAt(weights_of(step), my_row, my_unit * (kUnit / 8) + i) =
          real ? uint4{pairs[4 * i], pairs[4 * i + 1], pairs[4 * i + 2], pairs[4 * i + 3]}
               : uint4{0, 0, 0, 0};
    }
  };
  const auto copy_tokens = [&](unsigned step) {
    constexpr unsigned kEights = Shape::kDepth / 8;
    for (unsigned i = threadIdx.x; i < Shape::kTokens * kEights; i += Shape::kThreads) {
      const unsigned t = first_token + i / kEights;
      const unsigned column = step * Shape::kDepth + i % kEights * 8;
      const bool real = t < n && column < m.cols;
      CopyAsync(SwizzledAt(tokens_of(step), i / kEights, i % kEights),
                x.halves + (real ? static_cast<size_t>(t) * m.cols + column : 0), real);
    }
  };

  const unsigned group = threadIdx.x / kGroupThreads;
  float sums[Shape::kSums] = {};
  const auto multiply = [&](unsigned step) {
    constexpr unsigned kEightRows = 8 * Shape::kRowBytes;
    const uint64_t a = MatrixDescriptor(SharedAddress(weights_of(step)) + group * 8 * kEightRows, 0,
                                        kEightRows, Swizzle::k128);
    const uint64_t b =
        MatrixDescriptor(SharedAddress(tokens_of(step)), 0, kEightRows, Swizzle::k128);
    BeginProducts(sums);
#pragma unroll
    for (unsigned k = 0; k < Shape::kDepth / 16; ++k) {
      // 16 halves on: 32 bytes, which a descriptor counts in sixteens.
      MultiplyAddAsync(a + 2 * k, b + 2 * k, sums);
    }
    CommitProducts();
  };

  // Step s lies in stage s % 3. In its turn the products of s begin, perhaps behind those of s - 1,
  // and step s + 1 is written to the stage of s - 2: the products of that one, of both warpgroups,
  // were waited for before the barrier that began the turn. The barrier at its end orders the
  // writes of s + 1, which each thread has fenced, before the products that read them.
  fetch(0);
  WaitForEarlier();  // for the activations, and for whom reads `out`
  copy_tokens(0);
  store(0);
  WaitForCopies();
  FenceSharedWrites();
  fetch(1);  // behind the fence, which may wait for loads
  __syncthreads();
  for (unsigned step = 0; step < steps; ++step) {
    multiply(step);
    if (step + 1 < steps) {
      copy_tokens(step + 1);
      store(step + 1);
    }
    WaitForCopies();
    FenceSharedWrites();
    if (step + 1 < steps) fetch(step + 2);
    WaitForProducts<1>();
    __syncthreads();
  }
  FinishProducts(sums);

  const unsigned lane = threadIdx.x % kLanes;
  const unsigned row = first_row + threadIdx.x / kLanes * 16 + lane / 4;
#pragma unroll
  for (unsigned i = 0; i < Shape::kSums; ++i) {
    const unsigned r = row + i % 4 / 2 * 8;
    const unsigned t = first_token + i / 4 * 8 + lane % 4 * 2 + i % 2;
    if (r < m.rows && t < n) {
      float* to = out + t * stride + part.out_row + r;
      const float sum = sums[i] * x.row_scales[t];
      *to = add ? *to + sum : sum;
    }
  }
#else
  WaitForEarlier();
#endif
}

}  // namespace hearth::model::cuda
