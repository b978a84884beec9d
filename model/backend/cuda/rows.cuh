// What happens to rows of activations between products: norms, rounding, activation functions,
// residuals. A block of kRowThreads threads takes one row.
#pragma once

#include "model/backend/cuda/activation_rows.h"
#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/packed_matrix.h"
#include "model/backend/cuda/warp.cuh"

namespace hearth::model::cuda {

constexpr unsigned kRowThreads = 256;

// 1 / sqrt(mean of squares + epsilon) of a row; all threads of the block call it.
__device__ inline float InverseRms(const float* x, unsigned n, float epsilon) {
  float squares = 0;
  for (unsigned i = threadIdx.x; i < n; i += kRowThreads) squares = fmaf(x[i], x[i], squares);
  squares = BlockSum<kRowThreads>(squares);
  return 1.0f / sqrtf(squares / static_cast<float>(n) + epsilon);
}

// Rounds a unit whose column `lane` is x; the warp calls it together.
__device__ inline void RoundUnit(float x, const ActivationRows& out, size_t row, unsigned unit) {
  const unsigned lane = threadIdx.x % kLanes;
  float top = WarpMax(fabsf(x));
  // A value that is not finite must not become a plausible one: the unit's scale tells of it.
  const bool finite = WarpSum(x * 0.0f) == 0.0f;
  // A unit so small that its products would not be normal numbers counts as zero.
  const float step = finite ? top / 127.0f : 0.0f;
  const float inverse = step > 1e-28f ? 1.0f / step : 0.0f;
  const float scaled = finite ? x * inverse : 0.0f;
  const int high = __float2int_rn(scaled);
  const int low = __float2int_rn((scaled - static_cast<float>(high)) * 128.0f);
  const size_t at = row * out.cols + unit * kUnit + lane;
  out.high[at] = static_cast<int8_t>(high);
  out.low[at] = static_cast<int8_t>(low);
  const int number = 128 * high + low;
  const int first = WarpSum(lane < 16 ? number : 0);
  const int last = WarpSum(lane < 16 ? 0 : number);
  if (lane == 0) {
    const size_t units = row * (out.cols / kUnit) + unit;
    out.scales[units] = finite ? step / 128.0f : __uint_as_float(0x7fc00000u);
    out.sums[units] = int2{first, last};
  }
}

// Where the values of a row come from. Begin is called by the whole block, At by single threads.

// The row as it is, or through a norm.
struct NormedRow {
  const float* rows;  // [..][cols]
  const float* norm;  // [cols], or null: no norm
  const int* row_of;  // the row to take for each row of the output, or null: the same
  float epsilon;
  float inverse_rms;

  __device__ void Begin(size_t row, unsigned cols) {
    rows += (row_of != nullptr ? static_cast<size_t>(row_of[row]) : row) * cols;
    inverse_rms = norm != nullptr ? InverseRms(rows, cols, epsilon) : 1.0f;
  }
  __device__ float At(unsigned c) const {
    return norm != nullptr ? rows[c] * inverse_rms * norm[c] : rows[c];
  }
};

// `rank` columns of a row, scaled, and zeros behind: what the second matrix of an adapter reads.
struct ScaledColumns {
  const float* rows;  // [..][stride], from the first of the columns on
  size_t stride;
  unsigned rank;
  float scale;

  __device__ void Begin(size_t row, unsigned) { rows += row * stride; }
  __device__ float At(unsigned c) const { return c < rank ? scale * rows[c] : 0.0f; }
};

template <bool kGelu>
__device__ float Activated(float gate) {
  if constexpr (kGelu) {
    const float wave = 0.7978845608f * fmaf(0.044715f * gate * gate, gate, gate);
    return 0.5f * gate * (1.0f + tanhf(wave));
  } else {
    return gate / (1.0f + expf(-gate));
  }
}

// activation(gate) * up of a row [gate | up].
template <bool kGelu>
struct GatedRow {
  const float* rows;  // [..][2 cols]
  unsigned inner;

  __device__ void Begin(size_t row, unsigned cols) {
    inner = cols;
    rows += row * 2 * cols;
  }
  __device__ float At(unsigned c) const { return Activated<kGelu>(rows[c]) * rows[inner + c]; }
};

// Writes row `row` of halves from its floats, which this thread wrote itself; the block calls it.
__device__ inline void HalveRow(const ActivationRows& out, size_t row) {
  const float* x = out.floats + row * out.cols;
  float top = 0;
  float nothing = 0;  // NaN where a value is not finite
  for (unsigned c = threadIdx.x; c < out.cols; c += kRowThreads) {
    top = fmaxf(top, fabsf(x[c]));
    nothing += x[c] * 0.0f;
  }
  top = BlockMax<kRowThreads>(top);
  const bool finite = BlockSum<kRowThreads>(nothing) == 0.0f;
  // Exponents of the scale and of its inverse; a row so small that they are none counts as zero.
  constexpr unsigned kTopExponent = 14;
  const unsigned exponent = __float_as_uint(top) >> 23;
  const bool counts = finite && exponent > 2 * kTopExponent;
  const float inverse = counts ? __uint_as_float((2 * 127 + kTopExponent - exponent) << 23) : 0.0f;
  for (unsigned c = threadIdx.x; c < out.cols; c += kRowThreads) {
    out.halves[row * out.cols + c] = __half_as_ushort(__float2half_rn(counts ? x[c] * inverse : 0));
  }
  if (threadIdx.x == 0) {
    out.row_scales[row] = !finite  ? __uint_as_float(0x7fc00000u)
                          : counts ? __uint_as_float((exponent - kTopExponent) << 23)
                                   : 0.0f;
  }
}

// Writes row blockIdx.x of `out`: floats, and what else is wanted (rounded: cols is a multiple of
// 32).
template <typename Source>
__global__ void __launch_bounds__(kRowThreads)
    PrepareRows(Source source, ActivationRows out, RowForms forms) {
  BeginKernel();
  const size_t row = blockIdx.x;
  source.Begin(row, out.cols);
  for (unsigned c = threadIdx.x; c < out.cols; c += kRowThreads) {
    const float x = source.At(c);
    out.floats[row * out.cols + c] = x;
    // kRowThreads and cols are multiples of a warp: all of a unit's lanes are here together.
    if (forms.rounded) RoundUnit(x, out, row, c / kUnit);
  }
  if (forms.halves) HalveRow(out, row);
}

// The first n elements of x through a norm, in place; the whole block calls it.
__device__ inline void NormalizeInPlace(float* x, unsigned n, const float* norm, float epsilon) {
  const float inverse = InverseRms(x, n, epsilon);
  for (unsigned i = threadIdx.x; i < n; i += kRowThreads) x[i] *= inverse * norm[i];
}

// Rows [q | k | v] of `all` elements: bias (or null), then a norm over q and one over k, where
// there are weights for them.
[[maybe_unused]] static __global__ void __launch_bounds__(kRowThreads)
    NormalizeWhole(float* rows, unsigned all, const float* bias, unsigned q_size,
                   const float* q_norm, unsigned kv_size, const float* k_norm, float epsilon) {
  BeginKernel();
  float* x = rows + static_cast<size_t>(blockIdx.x) * all;
  if (bias != nullptr) {
    for (unsigned i = threadIdx.x; i < all; i += kRowThreads) x[i] += bias[i];
    __syncthreads();
  }
  if (q_norm != nullptr) NormalizeInPlace(x, q_size, q_norm, epsilon);
  if (k_norm != nullptr) NormalizeInPlace(x + q_size, kv_size, k_norm, epsilon);
}

// hidden += scale * norm(added), a row each; without a norm the row itself.
[[maybe_unused]] static __global__ void __launch_bounds__(kRowThreads)
    AddRows(float* hidden, NormedRow added, unsigned cols, float scale) {
  BeginKernel();
  const size_t row = blockIdx.x;
  added.Begin(row, cols);
  for (unsigned c = threadIdx.x; c < cols; c += kRowThreads) {
    hidden[row * cols + c] = fmaf(scale, added.At(c), hidden[row * cols + c]);
  }
}

// mixed[t] = the sum of weights[t][i] * outputs[rows[t][i]], in the order of the picks.
[[maybe_unused]] static __global__ void __launch_bounds__(kRowThreads)
    MixExperts(const float* outputs, const int* rows, const float* weights, unsigned picks,
               unsigned cols, float* mixed) {
  BeginKernel();
  const size_t t = blockIdx.x;
  for (unsigned c = threadIdx.x; c < cols; c += kRowThreads) {
    float sum = 0;
    for (unsigned i = 0; i < picks; ++i) {
      const size_t at = t * picks + i;
      sum = fmaf(weights[at], outputs[static_cast<size_t>(rows[at]) * cols + c], sum);
    }
    mixed[t * cols + c] = sum;
  }
}

[[maybe_unused]] static __global__ void FinishLogits(float* logits, size_t n, float scale,
                                                     float cap) {
  BeginKernel();
  for (size_t i = blockIdx.x * size_t{blockDim.x} + threadIdx.x; i < n;
       i += size_t{gridDim.x} * blockDim.x) {
    const float x = logits[i] * scale;
    logits[i] = cap == 0.0f ? x : cap * tanhf(x / cap);
  }
}

}  // namespace hearth::model::cuda
