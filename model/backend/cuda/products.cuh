// Matrix products for few rows of activations. A warp computes some rows of the matrix for some
// rows of activations; its lanes take the units of 32 columns in turn, so a lane reads 16 bytes and
// its neighbour the next 16. Quantized weights meet activations as whole numbers (__dp4a), others
// as floats. A sum's order is the same in all kernels here, and so are its bits.
#pragma once

#include <type_traits>

#include "model/backend/cuda/activation_rows.h"
#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/matrix_parts.h"
#include "model/backend/cuda/rows.cuh"
#include "model/backend/cuda/weight_units.cuh"

namespace hearth::model::cuda {

constexpr unsigned kProductWarps = 4;

// One unit of a row of activations.
struct UnitActivations {
  int high[8];
  int low[8];
  float scale;
  int2 sums;

  __device__ void Load(const ActivationRows& x, size_t row, unsigned unit) {
    LoadPlane(x.high + row * x.cols + unit * kUnit, high);
    LoadPlane(x.low + row * x.cols + unit * kUnit, low);
    const size_t at = row * (x.cols / kUnit) + unit;
    scale = x.scales[at];
    sums = x.sums[at];
  }

 private:
  static __device__ void LoadPlane(const int8_t* plane, int* words) {
    const auto* in = reinterpret_cast<const uint4*>(plane);
    for (int i = 0; i < 2; ++i) {
      const uint4 four = in[i];
      words[4 * i] = static_cast<int>(four.x);
      words[4 * i + 1] = static_cast<int>(four.y);
      words[4 * i + 2] = static_cast<int>(four.z);
      words[4 * i + 3] = static_cast<int>(four.w);
    }
  }
};

template <TensorType kType>
__device__ float DotUnit(const UnitWeights& w, const UnitActivations& x) {
  using Format = UnitFormat<kType>;
  int dots[2];
  for (int half = 0; half < 2; ++half) {
    int high = 0;
    int low = 0;
    for (int i = 4 * half; i < 4 * half + 4; ++i) {
      high = __dp4a(w.words[i], x.high[i], high);
      low = __dp4a(w.words[i], x.low[i], low);
    }
    dots[half] = 128 * high + low - Format::kOffset * (half == 0 ? x.sums.x : x.sums.y);
  }
  float sum;
  if constexpr (Format::kSix) {
    sum = fmaf(w.scale[1], static_cast<float>(dots[1]), w.scale[0] * static_cast<float>(dots[0]));
  } else {
    sum = w.scale[0] * static_cast<float>(dots[0] + dots[1]);
  }
  if constexpr (Format::kHasMin) sum = fmaf(w.min, static_cast<float>(x.sums.x + x.sums.y), sum);
  return sum * x.scale;
}

// What a lane takes at a time of kRows rows of the matrix, from `row` on: a unit of each.
template <TensorType kType, int kRows>
struct UnitsOfRows {
  RawUnit<kType> raw[kRows];

  __device__ void Fetch(const PackedMatrix& m, unsigned row, unsigned unit) {
    const unsigned units = m.cols / kUnit;
    if (unit >= units) return;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      raw[r].Fetch(m, min(row + r, m.rows - 1) * size_t{units} + unit);
    }
  }
};

// sums[r][t] = row `row` + r of the matrix times row `first` + t of x, for the rows that there are,
// but for what the other lanes add; `weights` are the lane's first.
template <TensorType kType, int kRows, int kTile>
__device__ void SumPieces(UnitsOfRows<kType, kRows>& fetched, const PackedMatrix& m, unsigned row,
                          const ActivationRows& x, unsigned first, unsigned n,
                          float (&sums)[kRows][kTile]) {
  const unsigned units = m.cols / kUnit;
  for (unsigned u = threadIdx.x % kLanes; u < units; u += kLanes) {
    if (u >= kLanes) fetched.Fetch(m, row, u);
    UnitWeights weights[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) UnitFormat<kType>::Unpack(fetched.raw[r], weights[r]);
#pragma unroll
    for (int t = 0; t < kTile; ++t) {
      if (first + t >= n) break;
      UnitActivations activations;
      activations.Load(x, first + t, u);
#pragma unroll
      for (int r = 0; r < kRows; ++r) sums[r][t] += DotUnit<kType>(weights[r], activations);
    }
  }
}

// The same for weights that are floats: eight of each row; 8 divides the columns.
constexpr unsigned kPiece = 8;
template <TensorType kType, int kRows>
struct EightsOfRows {
  static constexpr int kWords = kType == TensorType::kF32 ? 2 : 1;
  uint4 raw[kRows][kWords];

  __device__ void Fetch(const PackedMatrix& m, unsigned row, unsigned eight) {
    const unsigned eights = m.cols / kPiece;
    if (eight >= eights) return;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const size_t at = min(row + r, m.rows - 1) * size_t{eights} + eight;
#pragma unroll
      for (int i = 0; i < kWords; ++i) {
        raw[r][i] = reinterpret_cast<const uint4*>(m.quants)[at * kWords + i];
      }
    }
  }
  __device__ void Floats(int r, float* out) const {
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      const unsigned in[4] = {raw[r][i].x, raw[r][i].y, raw[r][i].z, raw[r][i].w};
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        if constexpr (kType == TensorType::kF32) {
          out[4 * i + j] = __uint_as_float(in[j]);
        } else {
          const unsigned low = in[j] & 0xffffu;
          const unsigned high = in[j] >> 16;
          out[2 * j] = kType == TensorType::kBF16 ? BrainOf(low) : HalfOf(low);
          out[2 * j + 1] = kType == TensorType::kBF16 ? BrainOf(high) : HalfOf(high);
        }
      }
    }
  }
};

template <TensorType kType, int kRows, int kTile>
__device__ void SumPieces(EightsOfRows<kType, kRows>& fetched, const PackedMatrix& m, unsigned row,
                          const ActivationRows& x, unsigned first, unsigned n,
                          float (&sums)[kRows][kTile]) {
  for (unsigned e = threadIdx.x % kLanes; e < m.cols / kPiece; e += kLanes) {
    if (e >= kLanes) fetched.Fetch(m, row, e);
    float weights[kRows][kPiece];
#pragma unroll
    for (int r = 0; r < kRows; ++r) fetched.Floats(r, weights[r]);
#pragma unroll
    for (int t = 0; t < kTile; ++t) {
      if (first + t >= n) break;
      const auto* in =
          reinterpret_cast<const float4*>(x.floats + static_cast<size_t>(first + t) * x.cols) +
          2 * e;
      const float4 four[2] = {in[0], in[1]};
      const float eight[kPiece] = {four[0].x, four[0].y, four[0].z, four[0].w,
                                   four[1].x, four[1].y, four[1].z, four[1].w};
#pragma unroll
      for (unsigned i = 0; i < kPiece; ++i) {
#pragma unroll
        for (int r = 0; r < kRows; ++r) sums[r][t] = fmaf(weights[r][i], eight[i], sums[r][t]);
      }
    }
  }
}

template <TensorType kType, int kRows>
using PiecesOfRows = std::conditional_t<RawUnit<kType>::kPlanes.scales == 0,
                                        EightsOfRows<kType, kRows>, UnitsOfRows<kType, kRows>>;

// The sums whole, given to every lane; the warp calls it together.
template <TensorType kType, int kRows, int kTile>
__device__ void SumRows(PiecesOfRows<kType, kRows>& fetched, const PackedMatrix& m, unsigned row,
                        const ActivationRows& x, unsigned first, unsigned n,
                        float (&sums)[kRows][kTile]) {
  SumPieces<kType>(fetched, m, row, x, first, n, sums);
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
#pragma unroll
    for (int t = 0; t < kTile; ++t) sums[r][t] = WarpSum(sums[r][t]);
  }
}

// out[t * stride + first_row + r] (=, or += where add) row r of a part times row t of x, for rows
// [kTile * blockIdx.y, ...) of n. A warp takes kRows rows of a part, a block kProductWarps times as
// many; blocks go through the parts in order.
template <TensorType kType, int kRows, int kTile>
__global__ void __launch_bounds__(kProductWarps* kLanes)
    MultiplyRows(MatrixParts parts, ActivationRows x, unsigned n, float* out, size_t stride,
                 bool add) {
  LetNextStart();
  constexpr unsigned kPerBlock = kProductWarps * kRows;
  const PartOfBlock part = FindPart(parts, kPerBlock, blockIdx.x);
  const PackedMatrix& m = part.matrix;
  const unsigned row = part.first_row + threadIdx.x / kLanes * kRows;
  const unsigned first = blockIdx.y * kTile;
  PiecesOfRows<kType, kRows> fetched;
  fetched.Fetch(m, row, threadIdx.x % kLanes);
  WaitForEarlier();  // for the activations, and for whom reads `out`
  float sums[kRows][kTile] = {};
  SumRows<kType>(fetched, m, row, x, first, n, sums);
  if (threadIdx.x % kLanes != 0) return;
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
#pragma unroll
    for (int t = 0; t < kTile; ++t) {
      if (row + r >= m.rows || first + t >= n) continue;
      float* to = out + (first + t) * stride + part.out_row + row + r;
      *to = add ? *to + sums[r][t] : sums[r][t];
    }
  }
}

// One row: activation(gate x) * up x, as floats and rounded where `rounded`. A block makes a unit
// of the result, a warp two of its columns.
constexpr unsigned kGatedWarps = 16;
template <TensorType kType, bool kGelu>
__global__ void __launch_bounds__(kGatedWarps* kLanes)
    MultiplyGated(PackedMatrix gate, PackedMatrix up, ActivationRows x, ActivationRows out,
                  bool rounded) {
  LetNextStart();
  constexpr unsigned kEach = kUnit / kGatedWarps;
  __shared__ float unit[kUnit];
  const unsigned warp = threadIdx.x / kLanes;
  const unsigned row = blockIdx.x * kUnit + warp * kEach;
  PiecesOfRows<kType, kEach> fetched_gate, fetched_up;
  fetched_gate.Fetch(gate, row, threadIdx.x % kLanes);
  fetched_up.Fetch(up, row, threadIdx.x % kLanes);
  WaitForEarlier();  // for the activations, and for whom reads `out`
  float gates[kEach][1] = {};
  float ups[kEach][1] = {};
  SumRows<kType>(fetched_gate, gate, row, x, 0, 1, gates);
  SumRows<kType>(fetched_up, up, row, x, 0, 1, ups);
  if (threadIdx.x % kLanes == 0) {
#pragma unroll
    for (unsigned i = 0; i < kEach; ++i) {
      unit[warp * kEach + i] = Activated<kGelu>(gates[i][0]) * ups[i][0];
    }
  }
  __syncthreads();
  if (warp != 0) return;
  const float value = unit[threadIdx.x];
  out.floats[blockIdx.x * kUnit + threadIdx.x] = value;
  if (rounded) RoundColumns<1>({value}, out, 0, blockIdx.x * kUnit + threadIdx.x, true);
}

// One weight.
template <TensorType kType>
__device__ float WeightAt(const PackedMatrix& m, size_t row, unsigned column) {
  const size_t at = row * m.cols + column;
  if constexpr (UnitFormat<kType>::kPlanes.scales == 0) {
    if constexpr (kType == TensorType::kF32) return reinterpret_cast<const float*>(m.quants)[at];
    const unsigned bits = reinterpret_cast<const unsigned short*>(m.quants)[at];
    return kType == TensorType::kBF16 ? BrainOf(bits) : HalfOf(bits);
  } else {
    UnitWeights unit;
    UnitFormat<kType>::Load(m, at / kUnit, unit);
    const unsigned j = column % kUnit;
    const int number = static_cast<int8_t>(unit.words[j / 4] >> (j % 4 * 8));
    return unit.scale[j / 16] * static_cast<float>(number - UnitFormat<kType>::kOffset) + unit.min;
  }
}

// out[t][c] = scale * row tokens[t] of the matrix. A block a token.
template <TensorType kType>
__global__ void ReadRows(PackedMatrix m, const int* tokens, float scale, float* out) {
  BeginKernel();
  const size_t t = blockIdx.x;
  for (unsigned c = threadIdx.x; c < m.cols; c += blockDim.x) {
    out[t * m.cols + c] = scale * WeightAt<kType>(m, static_cast<size_t>(tokens[t]), c);
  }
}

}  // namespace hearth::model::cuda
