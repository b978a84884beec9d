// Attention by tiles and by chunks, run on the host, beside double precision.
#include "model/backend/cuda/attention.cuh"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "model/backend/cuda/flash_attention.h"
#include "model/backend/cuda/visit_types.h"

namespace hearth::model::cuda {
namespace {

struct Shape {
  unsigned heads, kv_heads, dim;
  unsigned start, count;
  FlashMasks masks;
};

// Keys and values of one sequence in pages of the wrong order, and queries of its last tokens.
struct Case {
  Shape shape;
  Device device;
  KvType type;
  std::vector<float> queries, keys, values;  // [token][head][dim], [position][kv_head][dim]
  DeviceArray<uint8_t> memory;
  std::vector<int> positions, tables, blocks;
  PagedKv kv;

  Case(const Shape& s, KvType t) : shape(s), device(*Device::Open()), type(t) {
    std::mt19937 random(s.dim + s.count);
    std::normal_distribution<float> normal;
    const unsigned context = s.start + s.count;
    const unsigned n_blocks = (context + kBlockTokens - 1) / kBlockTokens;
    for (unsigned b = 0; b < n_blocks; ++b) blocks.push_back(static_cast<int>(n_blocks - 1 - b));
    for (unsigned i = 0; i < s.count; ++i) {
      positions.push_back(static_cast<int>(s.start + i));
      tables.push_back(0);
    }
    kv = {nullptr, 2, s.kv_heads, s.dim, KvHalfBytes(type, s.dim)};
    memory.Reserve(device, n_blocks * 2 * s.kv_heads * 2 * kv.half_bytes);
    kv.data = memory.data();
    queries.resize(static_cast<size_t>(s.count) * s.heads * s.dim);
    for (float& q : queries) q = normal(random) * 1.5f / std::sqrt(static_cast<float>(s.dim));
    for (auto* to : {&keys, &values}) {
      to->resize(static_cast<size_t>(context) * s.kv_heads * s.dim);
      for (float& x : *to) x = normal(random);
    }
    Store();
  }

  // Stores all, and takes back what was stored: rounding is not what is tested.
  void Store();
  TokenPlaces Places() const { return {positions.data(), tables.data(), blocks.data()}; }

  std::vector<double> Exact() const {
    const Shape& s = shape;
    std::vector<double> out(queries.size());
    for (unsigned t = 0; t < s.count; ++t) {
      for (unsigned h = 0; h < s.heads; ++h) {
        const unsigned to = s.start + t + 1;
        const unsigned from = s.masks.window != 0 && to > s.masks.window ? to - s.masks.window : 0;
        const unsigned kv_head = h / (s.heads / s.kv_heads);
        const size_t row = (static_cast<size_t>(t) * s.heads + h) * s.dim;
        std::vector<double> weights;
        double total = 0;
        for (unsigned p = from; p < to; ++p) {
          double score = 0;
          const size_t key = (static_cast<size_t>(p) * s.kv_heads + kv_head) * s.dim;
          for (unsigned i = 0; i < s.dim; ++i) {
            score += static_cast<double>(queries[row + i]) * keys[key + i];
          }
          if (s.masks.softcap != 0) score = s.masks.softcap * std::tanh(score / s.masks.softcap);
          weights.push_back(std::exp(score));
          total += weights.back();
        }
        for (unsigned p = from; p < to; ++p) {
          const size_t value = (static_cast<size_t>(p) * s.kv_heads + kv_head) * s.dim;
          for (unsigned i = 0; i < s.dim; ++i) {
            out[row + i] += weights[p - from] / total * values[value + i];
          }
        }
      }
    }
    return out;
  }

  // Tokens [first, first + count), as the backend does it.
  void Attend(unsigned first, unsigned count, std::vector<float>& out) {
    out.resize(queries.size());
    const unsigned parts = FlashParts(shape.start + shape.count);
    DeviceArray<float> tops, totals, partial_values;
    Partials partials{nullptr, nullptr, nullptr, 1};
    if (parts > 1) {
      const size_t rows = static_cast<size_t>(count) * shape.heads * parts;
      tops.Reserve(device, rows);
      totals.Reserve(device, rows);
      partial_values.Reserve(device, rows * shape.dim);
      partials = {tops.data(), totals.data(), partial_values.data(), parts};
    }
    LaunchFlash(device, type, queries.data(), {first, count}, shape.heads, Places(), kv, 1,
                shape.masks, partials, out.data());
    if (parts > 1) {
      Launch(device, &MergeChunks, dim3(count, shape.heads, (shape.dim + 31) / 32), dim3(kLanes),
             partials, first, shape.heads, shape.dim,
             ActivationRows{shape.heads * shape.dim, out.data()}, false);
    }
  }
};

template <KvType kType>
__global__ void StoreHead(PagedKv kv, const int* blocks, float* x, bool is_value) {
  BeginKernel();
  const unsigned position = blockIdx.x;
  const unsigned head = blockIdx.y;
  const int block = blocks[position / kBlockTokens];
  uint8_t* half = is_value ? kv.Values(block, 1, head) : kv.Keys(block, 1, head);
  float* row = x + (static_cast<size_t>(position) * kv.n_kv_heads + head) * kv.head_dim;
  const unsigned slot = position % kBlockTokens;
  for (unsigned i = threadIdx.x; i < kv.head_dim; i += kLanes) {
    StoreKvAt<kType>(half, kv.head_dim, slot, i, row[i]);
  }
  __syncwarp();
  // In eights and one by one the same is read.
  for (unsigned i = threadIdx.x * 8; i < kv.head_dim; i += kLanes * 8) {
    KvEight<kType> eight;
    eight.Fetch(half, kv.head_dim, slot, i);
    eight.Floats(row + i);
  }
  __syncwarp();
  for (unsigned i = threadIdx.x; i < kv.head_dim; i += kLanes) {
    if (row[i] != KvAt<kType>(half, kv.head_dim, slot, i)) row[i] = NAN;
  }
}

void Case::Store() {
  VisitKv(type, [&]<KvType kType>() {
    for (const bool is_value : {false, true}) {
      Launch(device, &StoreHead<kType>, dim3(shape.start + shape.count, shape.kv_heads),
             dim3(kLanes), kv, blocks.data(), (is_value ? values : keys).data(), is_value);
    }
  });
}

// Queries, keys, values and weights lose up to 2^-12 of themselves each, and values are about 1:
// scores of up to about 6 are off by 0.002.
constexpr double kTolerance = 0.004;

void CheckExact(const Shape& shape, KvType type) {
  Case c(shape, type);
  CAPTURE(shape.heads, shape.dim, shape.start, shape.count, shape.masks.window,
          static_cast<int>(type));
  const std::vector<double> exact = c.Exact();
  std::vector<float> out;
  c.Attend(0, shape.count, out);
  for (size_t i = 0; i < exact.size(); ++i) {
    CAPTURE(i, exact[i], out[i]);
    REQUIRE(std::fabs(out[i] - exact[i]) < kTolerance);
  }
}

TEST_CASE("attention by tiles is that of double precision") {
  for (const KvType type :
       {KvType::kF32, KvType::kF16, KvType::kBF16, KvType::kQ8_0, KvType::kF8E4M3}) {
    CheckExact({4, 2, 64, 0, 70, {0, 0}}, type);
  }
  CheckExact({2, 2, 16, 3, 33, {0, 0}}, KvType::kF16);
  CheckExact({3, 1, 128, 100, 40, {0, 0}}, KvType::kF16);
  CheckExact({2, 1, 96, 20, 100, {0, 0}}, KvType::kQ8_0);
  CheckExact({1, 1, 256, 30, 66, {0, 0}}, KvType::kF8E4M3);
}

TEST_CASE("windows and bounds by tiles") {
  CheckExact({2, 1, 64, 150, 90, {37, 0}}, KvType::kF16);
  CheckExact({2, 1, 64, 0, 130, {64, 2.0f}}, KvType::kF16);
  CheckExact({1, 1, 128, 60, 20, {1, 0}}, KvType::kF16);
  CheckExact({1, 1, 32, 9, 64, {0, 1.5f}}, KvType::kF16);
}

TEST_CASE("long contexts are taken in parts, windows skip some") {
  CheckExact({1, 1, 16, kFlashPart - 20, 40, {0, 0}}, KvType::kF16);
  CheckExact({1, 1, 16, 2 * kFlashPart + 100, 16, {60, 0}}, KvType::kF16);
}

TEST_CASE("a token's bits by tiles do not depend on how a prompt is cut") {
  for (const unsigned window : {0u, 50u}) {
    Case c({2, 1, 64, kFlashPart - 60, 100, {window, 0}}, KvType::kF16);
    std::vector<float> whole, cut;
    c.Attend(0, 100, whole);
    c.Attend(0, 37, cut);
    c.Attend(37, 63, cut);
    CHECK(whole == cut);
  }
}

// All tokens by chunks, as the backend does it.
std::vector<float> ByChunks(Case& c, unsigned chunks) {
  const Shape& s = c.shape;
  const size_t rows = static_cast<size_t>(s.count) * s.heads * chunks;
  DeviceArray<float> tops, totals, values;
  tops.Reserve(c.device, rows);
  totals.Reserve(c.device, rows);
  values.Reserve(c.device, rows * s.dim);
  const Partials partials{tops.data(), totals.data(), values.data(), chunks};
  std::vector<float> out(c.queries.size());
  VisitKv(c.type, [&]<KvType kType>() {
    Launch(c.device, &AttendChunks<kType>, dim3(s.count, s.kv_heads, chunks),
           dim3(kLanes, s.heads / s.kv_heads), c.queries.data(), 0u, s.heads, c.Places(), c.kv, 1u,
           s.masks.window, s.masks.softcap, partials);
  });
  Launch(c.device, &MergeChunks, dim3(s.count, s.heads, (s.dim + 31) / 32), dim3(kLanes), partials,
         0u, s.heads, s.dim, ActivationRows{s.heads * s.dim, out.data()}, false);
  return out;
}

TEST_CASE("attention by chunks is that of double precision, in floats") {
  const std::pair<Shape, KvType> cases[] = {{{4, 1, 64, 600, 3, {0, 0}}, KvType::kF16},
                                            {{4, 2, 40, 250, 9, {0, 0}}, KvType::kF32},
                                            {{2, 1, 128, 255, 2, {0, 2.0f}}, KvType::kBF16},
                                            {{3, 1, 256, 300, 2, {70, 0}}, KvType::kQ8_0},
                                            {{2, 2, 96, 40, 1, {0, 0}}, KvType::kF8E4M3}};
  for (const auto& [shape, type] : cases) {
    Case c(shape, type);
    CAPTURE(shape.dim, static_cast<int>(type));
    const unsigned chunks = (shape.start + shape.count + kChunk - 1) / kChunk;
    const std::vector<float> out = ByChunks(c, chunks);
    const std::vector<double> exact = c.Exact();
    for (size_t i = 0; i < exact.size(); ++i) REQUIRE(std::fabs(out[i] - exact[i]) < 1e-5);
    // Others in the pass may have longer contexts.
    CHECK(ByChunks(c, chunks + 40) == out);
  }
}

}  // namespace
}  // namespace hearth::model::cuda
