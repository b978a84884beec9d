// What happens to rows of activations between products: norms, rounding, activation functions,
// residuals. A block of kRowThreads threads takes one row.
#pragma once

#include "model/backend/cuda/activation_rows.h"
#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/packed_matrix.h"
#include "model/backend/cuda/tensor_core.cuh"
#include "model/backend/cuda/warp.cuh"

namespace hearth::model::cuda {

constexpr unsigned kRowThreads = 512;

// A row is taken four columns at a time: it begins at 16 bytes, and 4 divides its length.
__device__ inline float4 FourOf(const float* row, unsigned c) {
  return *reinterpret_cast<const float4*>(row + c);
}
template <typename Use>
__device__ void ForFours(unsigned cols, Use use) {
  for (unsigned c = 4 * threadIdx.x; c < cols; c += 4 * kRowThreads) use(c);
}

// 1 / sqrt(mean of squares + epsilon) of a row; all threads of the block call it.
__device__ inline float InverseRms(const float* x, unsigned n, float epsilon) {
  float squares = 0;
  ForFours(n, [&](unsigned c) {
    const float4 four = FourOf(x, c);
    squares = fmaf(four.x, four.x, squares);
    squares = fmaf(four.y, four.y, squares);
    squares = fmaf(four.z, four.z, squares);
    squares = fmaf(four.w, four.w, squares);
  });
  squares = BlockSum<kRowThreads>(squares);
  return 1.0f / sqrtf(squares / static_cast<float>(n) + epsilon);
}

// Magnitudes as whole numbers: in their order, and above all others what is not finite.
__device__ inline unsigned Magnitude(float x) { return __float_as_uint(fabsf(x)); }
constexpr unsigned kInfinite = 0x7f800000u;

// Rounds units, of which each lane has kEach neighbouring columns from c on; the warp calls it
// together. A unit is `there` with all its lanes, or stores nothing.
template <unsigned kEach>
__device__ void RoundColumns(const float (&x)[kEach], const ActivationRows& out, size_t row,
                             unsigned c, bool there) {
  static_assert(kEach == 1 || kEach == 4);
  constexpr unsigned kUnitLanes = kUnit / kEach;
  unsigned most = 0;
#pragma unroll
  for (unsigned i = 0; i < kEach; ++i) most = max(most, Magnitude(x[i]));
  most = LanesJoin<Max, kUnitLanes>(most);
  // A value that is not finite must not become a plausible one: the unit's scale tells of it.
  const bool finite = most < kInfinite;
  // A unit so small that its products would not be normal numbers counts as zero.
  const float step = finite ? __uint_as_float(most) / 127.0f : 0.0f;
  const float inverse = step > 1e-28f ? 1.0f / step : 0.0f;
  unsigned high = 0, low = 0;  // a byte each
  int sum = 0;
#pragma unroll
  for (unsigned i = 0; i < kEach; ++i) {
    const float scaled = finite ? x[i] * inverse : 0.0f;
    const int above = __float2int_rn(scaled);
    const int below = __float2int_rn((scaled - static_cast<float>(above)) * 128.0f);
    high |= (static_cast<unsigned>(above) & 0xffu) << (8 * i);
    low |= (static_cast<unsigned>(below) & 0xffu) << (8 * i);
    sum += 128 * above + below;
  }
  sum = LanesJoin<Sum, kUnitLanes / 2>(sum);
  const int other_half = __shfl_xor_sync(kAllLanes, sum, kUnitLanes / 2);
  if (!there) return;
  const size_t at = row * out.cols + c;
  if constexpr (kEach == 4) {
    *reinterpret_cast<unsigned*>(out.high + at) = high;
    *reinterpret_cast<unsigned*>(out.low + at) = low;
  } else {
    out.high[at] = static_cast<int8_t>(high);
    out.low[at] = static_cast<int8_t>(low);
  }
  if (c % kUnit == 0) {
    out.scales[at / kUnit] = finite ? step / 128.0f : __uint_as_float(0x7fc00000u);
    out.sums[at / kUnit] = int2{sum, other_half};
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
  __device__ float4 At(unsigned c) const {
    const float4 x = FourOf(rows, c);
    if (norm == nullptr) return x;
    const float4 n = FourOf(norm, c);
    return {x.x * inverse_rms * n.x, x.y * inverse_rms * n.y, x.z * inverse_rms * n.z,
            x.w * inverse_rms * n.w};
  }
};

// `rank` columns of a row, scaled, and zeros behind: what the second matrix of an adapter reads.
struct ScaledColumns {
  const float* rows;  // [..][stride], from the first of the columns on
  size_t stride;
  unsigned rank;
  float scale;

  __device__ void Begin(size_t row, unsigned) { rows += row * stride; }
  __device__ float4 At(unsigned c) const { return {One(c), One(c + 1), One(c + 2), One(c + 3)}; }

 private:
  __device__ float One(unsigned c) const { return c < rank ? scale * rows[c] : 0.0f; }
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
  __device__ float4 At(unsigned c) const {
    const float4 gate = FourOf(rows, c);
    const float4 up = FourOf(rows + inner, c);
    return {Activated<kGelu>(gate.x) * up.x, Activated<kGelu>(gate.y) * up.y,
            Activated<kGelu>(gate.z) * up.z, Activated<kGelu>(gate.w) * up.w};
  }
};

// Writes row `row` of halves from its floats, which this thread wrote itself; the block calls it.
__device__ inline void HalveRow(const ActivationRows& out, size_t row) {
  const float* x = out.floats + row * out.cols;
  unsigned most = 0;
  ForFours(out.cols, [&](unsigned c) {
    const float4 four = FourOf(x, c);
    most = max(most, max(max(Magnitude(four.x), Magnitude(four.y)),
                         max(Magnitude(four.z), Magnitude(four.w))));
  });
  most = BlockMax<kRowThreads>(most);
  const bool finite = most < kInfinite;
  // Exponents of the scale and of its inverse; a row so small that they are none counts as zero.
  constexpr unsigned kTopExponent = 14;
  const unsigned exponent = most >> 23;
  const bool counts = finite && exponent > 2 * kTopExponent;
  const float inverse = counts ? __uint_as_float((2 * 127 + kTopExponent - exponent) << 23) : 0.0f;
  ForFours(out.cols, [&](unsigned c) {
    const float4 four = counts ? FourOf(x, c) : float4{0, 0, 0, 0};
    *reinterpret_cast<uint2*>(out.halves + row * out.cols + c) = uint2{
        HalfPair(four.x * inverse, four.y * inverse), HalfPair(four.z * inverse, four.w * inverse)};
  });
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
  // A warp stays together for the rounding, with the lanes that are behind the row's end.
  for (unsigned first = 0; first < out.cols; first += 4 * kRowThreads) {
    const unsigned c = first + 4 * threadIdx.x;
    const bool there = c < out.cols;
    const float4 four = there ? source.At(c) : float4{0, 0, 0, 0};
    if (there) *reinterpret_cast<float4*>(out.floats + row * out.cols + c) = four;
    const float x[4] = {four.x, four.y, four.z, four.w};
    if (forms.rounded) RoundColumns<4>(x, out, row, c, there);
  }
  if (forms.halves) HalveRow(out, row);
}

// The first n elements of x through a norm, in place; the whole block calls it.
__device__ inline void NormalizeInPlace(float* x, unsigned n, const float* norm, float epsilon) {
  const float inverse = InverseRms(x, n, epsilon);
  ForFours(n, [&](unsigned c) {
    const float4 four = FourOf(x, c);
    const float4 by = FourOf(norm, c);
    *reinterpret_cast<float4*>(x + c) = {four.x * (inverse * by.x), four.y * (inverse * by.y),
                                         four.z * (inverse * by.z), four.w * (inverse * by.w)};
  });
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
  ForFours(cols, [&](unsigned c) {
    auto* to = reinterpret_cast<float4*>(hidden + row * cols + c);
    const float4 more = added.At(c);
    const float4 old = *to;
    *to = {fmaf(scale, more.x, old.x), fmaf(scale, more.y, old.y), fmaf(scale, more.z, old.z),
           fmaf(scale, more.w, old.w)};
  });
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
