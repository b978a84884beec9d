// Matrix products. A warp computes some rows of the matrix for some rows of activations; its lanes
// take the units of 32 columns in turn, so a lane reads 16 bytes and its neighbour the next 16.
// Quantized weights meet activations as whole numbers (__dp4a), others as floats.
#pragma once

#include "model/backend/cuda/activation_rows.h"
#include "model/backend/cuda/weight_units.cuh"

namespace hearth::model::cuda {

constexpr unsigned kProductWarps = 4;
constexpr int kMatrixRows = 2;  // of one warp

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

__device__ inline void StoreProduct(float sum, float* out, bool add) {
  *out = add ? *out + sum : sum;
}

// out[t * stride + r] (=, or += where add) row r of the matrix times row t of x, for rows
// [kTile * blockIdx.y, ...) of n. A block has kProductWarps warps of kMatrixRows rows each.
template <TensorType kType, int kTile>
__global__ void __launch_bounds__(kProductWarps* kLanes)
    MultiplyQuantized(PackedMatrix m, ActivationRows x, unsigned n, float* out, size_t stride,
                      bool add) {
  const unsigned lane = threadIdx.x % kLanes;
  const unsigned row = (blockIdx.x * kProductWarps + threadIdx.x / kLanes) * kMatrixRows;
  const unsigned first = blockIdx.y * kTile;
  const unsigned units = m.cols / kUnit;
  float sums[kMatrixRows][kTile] = {};
  for (unsigned u = lane; u < units; u += kLanes) {
    UnitActivations activations[kTile];
    for (int t = 0; t < kTile; ++t) {
      if (first + t < n) activations[t].Load(x, first + t, u);
    }
    for (int r = 0; r < kMatrixRows; ++r) {
      if (row + r >= m.rows) break;
      UnitWeights weights;
      UnitFormat<kType>::Load(m, static_cast<size_t>(row + r) * units + u, weights);
      for (int t = 0; t < kTile; ++t) {
        if (first + t < n) sums[r][t] += DotUnit<kType>(weights, activations[t]);
      }
    }
  }
  for (int r = 0; r < kMatrixRows; ++r) {
    for (int t = 0; t < kTile; ++t) {
      const float sum = WarpSum(sums[r][t]);
      if (lane == 0 && row + r < m.rows && first + t < n) {
        StoreProduct(sum, out + (first + t) * stride + row + r, add);
      }
    }
  }
}

// Eight weights from column `at` on.
template <TensorType kType>
__device__ void LoadEight(const PackedMatrix& m, size_t at, float* out) {
  if constexpr (kType == TensorType::kF32) {
    const auto* in = reinterpret_cast<const float4*>(m.quants) + at / 4;
    for (int i = 0; i < 2; ++i) {
      const float4 four = in[i];
      out[4 * i] = four.x;
      out[4 * i + 1] = four.y;
      out[4 * i + 2] = four.z;
      out[4 * i + 3] = four.w;
    }
  } else {
    const uint4 eight = reinterpret_cast<const uint4*>(m.quants)[at / 8];
    const unsigned in[4] = {eight.x, eight.y, eight.z, eight.w};
    for (int i = 0; i < 4; ++i) {
      const unsigned low = in[i] & 0xffffu;
      const unsigned high = in[i] >> 16;
      out[2 * i] = kType == TensorType::kBF16 ? BrainOf(low) : HalfOf(low);
      out[2 * i + 1] = kType == TensorType::kBF16 ? BrainOf(high) : HalfOf(high);
    }
  }
}

// The same for weights that are floats; cols is a multiple of 8.
template <TensorType kType, int kTile>
__global__ void __launch_bounds__(kProductWarps* kLanes)
    MultiplyFloats(PackedMatrix m, ActivationRows x, unsigned n, float* out, size_t stride,
                   bool add) {
  constexpr unsigned kStep = 8;
  const unsigned lane = threadIdx.x % kLanes;
  const unsigned row = (blockIdx.x * kProductWarps + threadIdx.x / kLanes) * kMatrixRows;
  const unsigned first = blockIdx.y * kTile;
  float sums[kMatrixRows][kTile] = {};
  for (unsigned c = lane * kStep; c < m.cols; c += kLanes * kStep) {
    float weights[kMatrixRows][kStep];
    for (int r = 0; r < kMatrixRows; ++r) {
      if (row + r < m.rows)
        LoadEight<kType>(m, static_cast<size_t>(row + r) * m.cols + c, weights[r]);
    }
    for (int t = 0; t < kTile; ++t) {
      if (first + t >= n) break;
      const float* in = x.floats + static_cast<size_t>(first + t) * x.cols + c;
      for (unsigned i = 0; i < kStep; ++i) {
        for (int r = 0; r < kMatrixRows; ++r) {
          if (row + r < m.rows) sums[r][t] = fmaf(weights[r][i], in[i], sums[r][t]);
        }
      }
    }
  }
  for (int r = 0; r < kMatrixRows; ++r) {
    for (int t = 0; t < kTile; ++t) {
      const float sum = WarpSum(sums[r][t]);
      if (lane == 0 && row + r < m.rows && first + t < n) {
        StoreProduct(sum, out + (first + t) * stride + row + r, add);
      }
    }
  }
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
  const size_t t = blockIdx.x;
  for (unsigned c = threadIdx.x; c < m.cols; c += blockDim.x) {
    out[t * m.cols + c] = scale * WeightAt<kType>(m, static_cast<size_t>(tokens[t]), c);
  }
}

}  // namespace hearth::model::cuda
