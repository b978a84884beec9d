// A mixture of experts for few tokens, with no word from the host: the picks, and products with the
// matrices of whichever experts were picked. Row t * n_used + p belongs to pick p of token t.
#pragma once

#include "model/backend/cuda/order_key.cuh"
#include "model/backend/cuda/products.cuh"

namespace hearth::model::cuda {

struct Picks {  // [tokens][n_used], best first
  int* experts;
  int* rows;       // of the products
  float* weights;  // of a token: 1 together
};

// The n_used best of a token's scores, as ExpertPicks picks them: of equal ones the first; weights
// are the softmax over them. A warp a token.
[[maybe_unused]] static __global__ void __launch_bounds__(kLanes)
    PickExperts(const float* scores, unsigned n_experts, unsigned n_used, Picks picks) {
  BeginKernel();
  const unsigned t = blockIdx.x;
  const float* of_token = scores + static_cast<size_t>(t) * n_experts;
  const size_t first = static_cast<size_t>(t) * n_used;
  OrderKey last = ~OrderKey{0};
  float top = 0;
  float sum = 0;
  for (unsigned p = 0; p < n_used; ++p) {
    OrderKey best = 0;
    for (unsigned e = threadIdx.x; e < n_experts; e += kLanes) {
      const float score = of_token[e];
      const OrderKey key = KeyOf(score == score ? score : __uint_as_float(0xff800000u), e);
      if (key < last && key > best) best = key;
    }
    last = LanesJoin<Largest, kLanes>(best);
    const float score = of_token[IdOf(last)];
    if (p == 0) top = score;
    const float weight = expf(score - top);
    sum += weight;
    if (threadIdx.x != 0) continue;
    picks.experts[first + p] = IdOf(last);
    picks.rows[first + p] = static_cast<int>(first + p);
    picks.weights[first + p] = weight;
  }
  if (threadIdx.x != 0) return;
  for (unsigned p = 0; p < n_used; ++p) picks.weights[first + p] /= sum;
}

// out[i * stride + r] = row r of the weight of expert experts[i] times row i / sharing of x. A warp
// takes two rows of the matrix, with sums in the order of MultiplyRows; blockIdx.y is i.
template <TensorType kType>
__global__ void __launch_bounds__(kProductWarps* kLanes)
    MultiplyPicked(const MatrixParts* weights, const int* experts, ActivationRows x,
                   unsigned sharing, float* out, size_t stride) {
  BeginKernel();
  constexpr int kRows = 2;
  const unsigned i = blockIdx.y;
  const MatrixParts parts = weights[experts[i]];
  const PartOfBlock part = FindPart(parts, kProductWarps * kRows, blockIdx.x);
  const unsigned row = part.first_row + threadIdx.x / kLanes * kRows;
  PiecesOfRows<kType, kRows> fetched;
  fetched.Fetch(part.matrix, row, threadIdx.x % kLanes);
  float sums[kRows][1] = {};
  const unsigned from = i / sharing;
  SumRows<kType>(fetched, part.matrix, row, x, from, from + 1, sums);
  if (threadIdx.x % kLanes != 0) return;
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    if (row + r < part.matrix.rows) out[i * stride + part.out_row + row + r] = sums[r][0];
  }
}
constexpr unsigned kPickedRowsPerBlock = kProductWarps * 2;

}  // namespace hearth::model::cuda
