// From a row of logits to a token, as Sampler draws it on the host.
//
// A row's candidates are cut into chunks of 2,048; a block takes a chunk, a last block for each row
// puts together what the chunks gave:
//
//   PrepareChoices  bars, bias and penalties, into the logits in place
//   FindTops        the likeliest candidate of each chunk                 (greedy: all it takes)
//   WeighChunks     the sum of each chunk's weights; how many candidates lie how far from the top
//   GatherFront     those near the top that may pass top-k and top-p      (only these two)
//   DrawTokens      the token, or -1: the host must draw
//
// Sums of weights run in one order, so that equal rows give equal tokens; it is not the order of
// the host's sums, so a draw that falls within 1e-12 of the border between two tokens may differ.
#pragma once

#include <cstdint>

#include "model/backend/cuda/dependent_launch.cuh"
#include "model/backend/cuda/warp.cuh"

namespace hearth::model::cuda {

constexpr unsigned kChoiceThreads = 256;
constexpr unsigned kEach = 8;  // candidates of a thread that stand next to each other
constexpr unsigned kChoiceChunk = kChoiceThreads * kEach;
// Of the likeliest so many are gathered for top-p, and at most so many are sorted.
constexpr unsigned kFrontOfMass = 1024;
constexpr unsigned kMostFront = kChoiceChunk;
// Distances from the top are counted in so many steps, 64 logits together; the last one is of all
// that lies further.
constexpr unsigned kBins = kChoiceChunk;
constexpr float kBinsPerLogit = 32.0f;

struct ChoiceChange {  // LogitChange
  int id;
  unsigned round;
  float value;
};

// How a row's token is drawn. Offsets count the 4-byte words of the inputs.
struct ChoiceRow {
  double uniform;
  double scale;  // 1 / temperature
  double top_p;
  double min_p;
  unsigned head;  // the row of logits
  unsigned greedy;
  unsigned ordered;  // the draw runs through the likeliest first, else through the ids in order
  unsigned top_k;    // 0: all
  unsigned first_change, n_changes;
  enum Kind : unsigned { kAll, kList, kBits } kind;
  unsigned first_word, n_words;  // ids, or bits
  unsigned places;               // ids to look at: those of the list, or all
};

// What the kernels leave each other, by row.
using ChoiceKey = unsigned long long;
struct ChoiceStage {
  const ChoiceRow* rows;
  const unsigned* words;
  float* logits;  // [heads][vocab]
  unsigned vocab;
  unsigned chunks;   // of the longest row
  ChoiceKey* tops;   // [rows][chunks]
  double* sums;      // [rows][chunks]
  unsigned* bins;    // [rows][kBins]
  unsigned* counts;  // [rows][2]: candidates that have a chance at all; those of the front
  ChoiceKey* front;  // [rows][kMostFront]
  int* tokens;       // [rows]
};

// Likelier candidates have larger keys; of equal ones the smaller id has.
__device__ inline ChoiceKey KeyOf(float score, unsigned id) {
  const unsigned bits = __float_as_uint(score == 0.0f ? 0.0f : score);
  const unsigned ordered = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return static_cast<ChoiceKey>(ordered) << 32 | (0xffffffffu - id);
}
__device__ inline float ScoreOf(ChoiceKey key) {
  const auto ordered = static_cast<unsigned>(key >> 32);
  return __uint_as_float((ordered & 0x80000000u) != 0 ? ordered & 0x7fffffffu : ~ordered);
}
__device__ inline int IdOf(ChoiceKey key) {
  return static_cast<int>(0xffffffffu - static_cast<unsigned>(key));
}
__device__ inline bool HasChance(float score) { return score > __uint_as_float(0xff800000u); }

// The candidates of a row, by their place in the list or in the vocabulary.
struct Candidates {
  const ChoiceRow& row;
  const float* logits;
  const unsigned* words;

  __device__ Candidates(const ChoiceStage& stage, unsigned r)
      : row(stage.rows[r]),
        logits(stage.logits + static_cast<size_t>(row.head) * stage.vocab),
        words(stage.words + row.first_word) {}

  __device__ unsigned Id(unsigned place) const {
    return row.kind == ChoiceRow::kList ? words[place] : place;
  }
  // -infinity where there is none, and for NaN, which is as good as never drawn.
  __device__ float Score(unsigned place) const {
    const float never = __uint_as_float(0xff800000u);
    if (place >= row.places) return never;
    if (row.kind == ChoiceRow::kBits &&
        (place / 32 >= row.n_words || (words[place / 32] >> place % 32 & 1u) == 0)) {
      return never;
    }
    const float score = logits[Id(place)];
    return score == score ? score : never;
  }
};

// Relative to the likeliest, which has 1.
__device__ inline double WeightOf(float score, float top, double scale) {
  const double distance = static_cast<double>(score) - static_cast<double>(top);
  return distance == distance ? exp(distance * scale) : 1.0;  // infinity - infinity
}

__device__ inline unsigned BinOf(float score, float top) {
  if (score == top) return 0;
  const float at = (top - score) * kBinsPerLogit;
  return at < static_cast<float>(kBins - 1) ? static_cast<unsigned>(at) : kBins - 1;
}

// The following are called by all threads of a block of kChoiceThreads, which all get the result.

struct Largest {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};
struct Smallest {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};

// The sum of x over the threads before this one; `all` gets the whole.
template <typename T>
__device__ T SumBefore(T x, T& all) {
  __shared__ T sums[kChoiceThreads];
  const unsigned t = threadIdx.x;
  sums[t] = x;
  __syncthreads();
  for (unsigned d = 1; d < kChoiceThreads; d *= 2) {
    const T left = t >= d ? sums[t - d] : T{};
    __syncthreads();
    sums[t] += left;
    __syncthreads();
  }
  const T before = t == 0 ? T{} : sums[t - 1];
  all = sums[kChoiceThreads - 1];
  __syncthreads();
  return before;
}

// kChoiceChunk weights, kEach of each thread.
struct Weights {
  double own[kEach];
  double before;  // of the threads before this one
  double all;

  // weight_of(place), 0 for none.
  template <typename WeightOfPlace>
  __device__ void Take(WeightOfPlace weight_of) {
    double sum = 0;
    for (unsigned e = 0; e < kEach; ++e) sum += own[e] = weight_of(threadIdx.x * kEach + e);
    before = SumBefore(sum, all);
  }
  // The place that `at` falls to, and what lies before it; the last that weighs anything where it
  // lies behind all. 0 where nothing weighs anything.
  __device__ unsigned Find(double at, double& before_it) const {
    constexpr unsigned kNone = kChoiceChunk;
    unsigned first = kNone;
    unsigned last = 0;
    double sum = before;
    for (unsigned e = 0; e < kEach; ++e) {
      const unsigned place = threadIdx.x * kEach + e;
      if (own[e] > 0) last = place;
      sum += own[e];
      if (own[e] > 0 && first == kNone && at < sum) first = place;
    }
    first = BlockJoin<Smallest, kChoiceThreads>(first);
    last = BlockJoin<Largest, kChoiceThreads>(last);
    const unsigned found = first == kNone ? last : first;
    __shared__ double shared_before;
    if (found / kEach == threadIdx.x) {
      sum = before;
      for (unsigned e = 0; e < found % kEach; ++e) sum += own[e];
      shared_before = sum;
    }
    __syncthreads();
    before_it = shared_before;
    __syncthreads();
    return found;
  }
};

__device__ inline unsigned ChunksOf(const ChoiceRow& row) {
  return (row.places + kChoiceChunk - 1) / kChoiceChunk;
}

// The likeliest candidate of a row, from those of its chunks.
__device__ inline ChoiceKey TopOf(const ChoiceStage& stage, unsigned r) {
  ChoiceKey top = 0;
  const ChoiceKey* tops = stage.tops + static_cast<size_t>(r) * stage.chunks;
  for (unsigned c = threadIdx.x; c < ChunksOf(stage.rows[r]); c += kChoiceThreads) {
    top = top > tops[c] ? top : tops[c];
  }
  return BlockJoin<Largest, kChoiceThreads>(top);
}

// blockIdx.x: the row.
[[maybe_unused]] static __global__ void __launch_bounds__(kChoiceThreads)
    PrepareChoices(ChoiceStage stage) {
  BeginKernel();
  const unsigned r = blockIdx.x;
  const ChoiceRow& row = stage.rows[r];
  if (row.ordered) {
    unsigned* bins = stage.bins + static_cast<size_t>(r) * kBins;
    for (unsigned i = threadIdx.x; i < kBins; i += kChoiceThreads) bins[i] = 0;
    if (threadIdx.x < 2) stage.counts[2 * r + threadIdx.x] = 0;
  }
  float* logits = stage.logits + static_cast<size_t>(row.head) * stage.vocab;
  const auto* changes = reinterpret_cast<const ChoiceChange*>(stage.words + row.first_change);
  constexpr unsigned kRounds = 5;
  for (unsigned round = 0; round < kRounds; ++round) {
    for (unsigned i = threadIdx.x; i < row.n_changes; i += kChoiceThreads) {
      const ChoiceChange change = changes[i];
      if (change.round != round || change.id < 0 ||
          static_cast<unsigned>(change.id) >= stage.vocab) {
        continue;
      }
      float& logit = logits[change.id];
      if (round == 0) {
        logit = __uint_as_float(0xff800000u);
      } else if (round == 2) {
        logit = logit > 0.0f ? logit / change.value : logit * change.value;
      } else {
        logit += change.value;
      }
    }
    __syncthreads();  // within a round no id comes twice
  }
}

// blockIdx: the chunk, the row. The same for the two that follow.
[[maybe_unused]] static __global__ void __launch_bounds__(kChoiceThreads)
    FindTops(ChoiceStage stage) {
  BeginKernel();
  const unsigned r = blockIdx.y;
  const Candidates from(stage, r);
  if (blockIdx.x >= ChunksOf(from.row)) return;
  ChoiceKey top = 0;
  unsigned chances = 0;
  for (unsigned i = threadIdx.x; i < kChoiceChunk; i += kChoiceThreads) {
    const unsigned place = blockIdx.x * kChoiceChunk + i;
    if (place >= from.row.places) break;
    const float score = from.Score(place);
    if (!HasChance(score)) continue;
    ++chances;
    const ChoiceKey key = KeyOf(score, from.Id(place));
    top = top > key ? top : key;
  }
  top = BlockJoin<Largest, kChoiceThreads>(top);
  if (threadIdx.x == 0) stage.tops[static_cast<size_t>(r) * stage.chunks + blockIdx.x] = top;
  if (!from.row.ordered) return;
  chances = BlockJoin<Sum, kChoiceThreads>(chances);
  if (threadIdx.x == 0) atomicAdd(stage.counts + 2 * r, chances);
}

[[maybe_unused]] static __global__ void __launch_bounds__(kChoiceThreads)
    WeighChunks(ChoiceStage stage) {
  BeginKernel();
  const unsigned r = blockIdx.y;
  const Candidates from(stage, r);
  const ChoiceRow& row = from.row;
  if (row.greedy || blockIdx.x >= ChunksOf(row)) return;
  const float top = ScoreOf(TopOf(stage, r));
  const unsigned first = blockIdx.x * kChoiceChunk;
  if (row.ordered) {
    __shared__ unsigned bins[kBins];
    for (unsigned i = threadIdx.x; i < kBins; i += kChoiceThreads) bins[i] = 0;
    __syncthreads();
    for (unsigned i = threadIdx.x; i < kChoiceChunk; i += kChoiceThreads) {
      const float score = from.Score(first + i);
      const unsigned bin = HasChance(score) ? BinOf(score, top) : kBins - 1;
      // Most lie far from the top, and are not counted.
      if (bin < kBins - 1) atomicAdd(bins + bin, 1u);
    }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < kBins; i += kChoiceThreads) {
      if (bins[i] != 0) atomicAdd(stage.bins + static_cast<size_t>(r) * kBins + i, bins[i]);
    }
    if (row.top_k != 0) return;  // the likeliest are weighed among themselves
  }
  const double least = row.ordered ? 0 : row.min_p;
  Weights weights;
  weights.Take([&](unsigned place) {
    const double weight = WeightOf(from.Score(first + place), top, row.scale);
    return weight >= least ? weight : 0.0;
  });
  if (threadIdx.x == 0) {
    stage.sums[static_cast<size_t>(r) * stage.chunks + blockIdx.x] = weights.all;
  }
}

// The last of the steps from the top that GatherFront takes in: with it there are `wanted`
// candidates, or all that were counted.
__device__ inline unsigned LastBin(const unsigned* bins, unsigned wanted) {
  __shared__ unsigned found;
  if (threadIdx.x == 0) found = kBins - 2;
  unsigned own = 0;
  for (unsigned e = 0; e < kEach; ++e) own += bins[threadIdx.x * kEach + e];
  unsigned all = 0;
  unsigned sum = SumBefore(own, all);  // (barriers: `found` is set)
  if (sum < wanted && sum + own >= wanted) {
    unsigned bin = threadIdx.x * kEach;
    while ((sum += bins[bin]) < wanted) ++bin;
    found = bin;
  }
  __syncthreads();
  return found;
}

[[maybe_unused]] static __global__ void __launch_bounds__(kChoiceThreads)
    GatherFront(ChoiceStage stage) {
  BeginKernel();
  const unsigned r = blockIdx.y;
  const Candidates from(stage, r);
  const ChoiceRow& row = from.row;
  if (!row.ordered || blockIdx.x >= ChunksOf(row)) return;
  const float top = ScoreOf(TopOf(stage, r));
  const unsigned last = LastBin(stage.bins + static_cast<size_t>(r) * kBins,
                                row.top_k != 0 ? row.top_k : kFrontOfMass);
  ChoiceKey* front = stage.front + static_cast<size_t>(r) * kMostFront;
  for (unsigned i = threadIdx.x; i < kChoiceChunk; i += kChoiceThreads) {
    const unsigned place = blockIdx.x * kChoiceChunk + i;
    const float score = from.Score(place);
    if (!HasChance(score) || BinOf(score, top) > last) continue;
    // In whichever order: they are sorted.
    const unsigned at = atomicAdd(stage.counts + 2 * r + 1, 1u);
    if (at < kMostFront) front[at] = KeyOf(score, from.Id(place));
  }
}

// The largest first (Batcher's bitonic sort). `n` is a power of two.
__device__ inline void SortKeys(ChoiceKey* keys, unsigned n) {
  for (unsigned size = 2; size <= n; size *= 2) {
    for (unsigned stride = size / 2; stride != 0; stride /= 2) {
      for (unsigned i = threadIdx.x; i < n / 2; i += kChoiceThreads) {
        const unsigned a = i / stride * 2 * stride + i % stride;
        const unsigned b = a + stride;
        const bool falls = (a & size) == 0;
        const ChoiceKey left = keys[a];
        const ChoiceKey right = keys[b];
        if ((left < right) == falls) {
          keys[a] = right;
          keys[b] = left;
        }
      }
      __syncthreads();
    }
  }
}

// The sums of a row's chunks, as weights. (A row has at most kChoiceChunk chunks.)
__device__ inline void TakeSums(const ChoiceStage& stage, unsigned r, Weights& sums) {
  const unsigned chunks = ChunksOf(stage.rows[r]);
  sums.Take([&](unsigned c) {
    return c < chunks ? stage.sums[static_cast<size_t>(r) * stage.chunks + c] : 0.0;
  });
}

// From the likeliest of top-k and top-p, in order.
__device__ inline int DrawOrdered(const ChoiceStage& stage, unsigned r, float top) {
  const ChoiceRow& row = stage.rows[r];
  const unsigned chances = stage.counts[2 * r];
  const unsigned front = stage.counts[2 * r + 1];
  if (front > kMostFront) return -1;  // too many are equally likely
  const bool complete = front == chances;
  if (row.top_k != 0 && front < row.top_k && !complete) return -1;  // they lie too far apart
  __shared__ ChoiceKey keys[kMostFront];
  unsigned padded = 1;
  while (padded < front) padded *= 2;
  for (unsigned i = threadIdx.x; i < padded; i += kChoiceThreads) {
    keys[i] = i < front ? stage.front[static_cast<size_t>(r) * kMostFront + i] : 0;
  }
  __syncthreads();
  SortKeys(keys, padded);
  unsigned kept = row.top_k != 0 && row.top_k < front ? row.top_k : front;
  Weights weights;
  const auto weight_of = [&](unsigned place) {
    return place < kept ? WeightOf(ScoreOf(keys[place]), top, row.scale) : 0.0;
  };
  weights.Take(weight_of);
  if (row.top_p < 1) {
    double all = weights.all;
    if (row.top_k == 0) {
      Weights sums;
      TakeSums(stage, r, sums);
      all = sums.all;
    }
    const double mass = row.top_p * all;
    if (row.top_k == 0 && !complete && weights.all < mass) return -1;  // they hold too little
    unsigned taken = 0;
    double sum = weights.before;
    for (unsigned e = 0; e < kEach; ++e) {
      taken += threadIdx.x * kEach + e < kept && sum < mass;
      sum += weights.own[e];
    }
    kept = BlockJoin<Sum, kChoiceThreads>(taken);  // of none Find makes the likeliest
  }
  unsigned heavy = 0;  // the front of those that are kept, as they are sorted
  for (unsigned e = 0; e < kEach; ++e) {
    heavy += threadIdx.x * kEach + e < kept && weights.own[e] >= row.min_p;
  }
  kept = BlockJoin<Sum, kChoiceThreads>(heavy);
  weights.Take(weight_of);
  double before = 0;
  return IdOf(keys[weights.Find(row.uniform * weights.all, before)]);
}

// From all, in the order of their ids: first the chunk, then the place in it.
__device__ inline int DrawById(const ChoiceStage& stage, unsigned r, float top) {
  const Candidates from(stage, r);
  Weights weights;
  TakeSums(stage, r, weights);
  const double at = from.row.uniform * weights.all;
  double before = 0;
  const unsigned first = weights.Find(at, before) * kChoiceChunk;
  weights.Take([&](unsigned place) {
    const double weight = WeightOf(from.Score(first + place), top, from.row.scale);
    return weight >= from.row.min_p ? weight : 0.0;
  });
  return static_cast<int>(from.Id(first + weights.Find(at - before, before)));
}

// blockIdx.x: the row.
[[maybe_unused]] static __global__ void __launch_bounds__(kChoiceThreads)
    DrawTokens(ChoiceStage stage) {
  BeginKernel();
  const unsigned r = blockIdx.x;
  const ChoiceRow& row = stage.rows[r];
  const ChoiceKey top = TopOf(stage, r);
  int token = -1;
  if (top != 0) {  // else nothing has a chance
    token = row.greedy    ? IdOf(top)
            : row.ordered ? DrawOrdered(stage, r, ScoreOf(top))
                          : DrawById(stage, r, ScoreOf(top));
  }
  if (threadIdx.x == 0) stage.tokens[r] = token;
}

}  // namespace hearth::model::cuda
