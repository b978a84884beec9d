// Each instruction set that this processor has, held to double-precision references. Tolerances
// follow from the arithmetic: kUnit is the rounding of one float operation, and sums of n terms
// lose at most n of them, relative to the sum of absolute values. Roundings are as often up as
// down, so long sums lose no more than a few times the root of n (Higham and Mary, "A New Approach
// to Probabilistic Rounding Error Analysis", 2019), which tells a factor kept in half precision
// from a rounded sum.
#include "model/backend/cpu/kernels.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "model/quant.h"

namespace hearth::model::cpu {
namespace {

constexpr double kUnit = 0x1.0p-23;

std::vector<const Kernels*> Usable() {
  std::vector<const Kernels*> usable = {&kScalarKernels};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c")) {
    usable.push_back(&kAvx2Kernels);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vnni")) {
      usable.push_back(&kAvx512Kernels);
    }
  }
#endif
  return usable;
}

constexpr TensorType kTypes[] = {TensorType::kF32,  TensorType::kF16,  TensorType::kBF16,
                                 TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0,
                                 TensorType::kQ5_1, TensorType::kQ8_0, TensorType::kQ4_K,
                                 TensorType::kQ5_K, TensorType::kQ6_K};
// Scales of a format: where the F16 numbers of a block lie that must not be random bits (NaN).
struct HalfPlace {
  TensorType type;
  size_t at;
  float size;
};
constexpr HalfPlace kHalfPlaces[] = {
    {TensorType::kQ4_0, 0, 0.1f},  {TensorType::kQ4_1, 0, 0.1f},  {TensorType::kQ4_1, 2, 1.0f},
    {TensorType::kQ5_0, 0, 0.1f},  {TensorType::kQ5_1, 0, 0.1f},  {TensorType::kQ5_1, 2, 1.0f},
    {TensorType::kQ8_0, 0, 0.1f},  {TensorType::kQ4_K, 0, 0.01f}, {TensorType::kQ4_K, 2, 0.01f},
    {TensorType::kQ5_K, 0, 0.01f}, {TensorType::kQ5_K, 2, 0.01f}, {TensorType::kQ6_K, 208, 0.01f},
};

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  uint8_t Byte() { return static_cast<uint8_t>(engine_()); }
  float Normal() { return normal_(engine_); }
  std::vector<float> Normals(size_t n) {
    std::vector<float> values(n);
    for (float& v : values) v = Normal();
    return values;
  }

 private:
  std::mt19937 engine_;
  std::normal_distribution<float> normal_;
};

// A matrix as it lies in a file, and what Dequantize makes of it.
struct Matrix {
  TensorType type;
  size_t rows;
  size_t cols;
  std::vector<uint8_t> file;
  std::vector<float> values;      // [rows][cols]
  std::vector<double> magnitude;  // [rows][cols] of the terms that a product adds up

  size_t row_bytes() const { return file.size() / rows; }
  // The largest size of a minimum in block b.
  double MinimumOf(size_t b) const {
    uint16_t min;
    std::memcpy(&min, file.data() + b * GetTensorType(type).block_bytes + 2, 2);
    const bool multiple = type == TensorType::kQ4_K || type == TensorType::kQ5_K;
    return std::fabs(HalfToFloat(min)) * (multiple ? 63 : 1);
  }

  Matrix(TensorType t, size_t r, size_t c, Random& random, bool extreme = false)
      : type(t), rows(r), cols(c) {
    const TensorTypeInfo& info = GetTensorType(type);
    const size_t blocks = rows * cols / info.block_elements;
    file.resize(blocks * info.block_bytes);
    for (uint8_t& byte : file) byte = random.Byte();
    const auto half = [&](size_t at, float value) {
      const uint16_t bits = FloatToHalf(value);
      std::memcpy(file.data() + at, &bits, 2);
    };
    for (size_t b = 0; b < blocks; ++b) {
      const size_t at = b * info.block_bytes;
      const float value = random.Normal();
      if (type == TensorType::kF32) std::memcpy(file.data() + at, &value, 4);
      if (type == TensorType::kF16) half(at, value);
      if (type == TensorType::kBF16) {
        const uint16_t bits = FloatToBf16(value);
        std::memcpy(file.data() + at, &bits, 2);
      }
      for (const HalfPlace& place : kHalfPlaces) {
        if (place.type == type) half(at + place.at, random.Normal() * place.size);
      }
      if (extreme && type == TensorType::kQ8_0) std::memset(file.data() + at + 2, 0x80, 32);
      if (extreme && type == TensorType::kQ4_0) std::memset(file.data() + at + 2, 0x00, 16);
      if (extreme && type == TensorType::kQ4_1) std::memset(file.data() + at + 4, 0xff, 16);
    }
    values.resize(rows * cols);
    Dequantize(type, std::as_bytes(std::span(file)), values);
    magnitude.assign(values.begin(), values.end());
    if (type == TensorType::kQ4_1 || type == TensorType::kQ5_1 || type == TensorType::kQ4_K ||
        type == TensorType::kQ5_K) {
      // The multiples of the scale and the minimum are summed apart: the largest of both, over the
      // block.
      const size_t n = info.block_elements;
      for (size_t b = 0; b < blocks; ++b) {
        const auto begin = magnitude.begin() + static_cast<std::ptrdiff_t>(b * n);
        const auto end = begin + static_cast<std::ptrdiff_t>(n);
        const auto [low, high] = std::minmax_element(begin, end);
        const double most = 2 * (std::fabs(*low) + std::fabs(*high)) + MinimumOf(b);
        std::fill(begin, end, most);
      }
    }
    for (double& m : magnitude) m = std::fabs(m);
  }
};

struct Packed {
  Panels panels;
  std::vector<uint8_t> memory;

  Packed(const Kernels& kernels, const Matrix& m) {
    panels = {m.type, m.rows, m.cols, kernels.panel_bytes(m.type, m.cols), nullptr};
    memory.resize(panels.count() * panels.panel_bytes + 64);
    panels.data = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
    for (size_t p = 0; p < panels.count(); ++p) {
      const size_t row = p * kPanelRows;
      kernels.pack_panel(panels, m.file.data() + row * m.row_bytes(),
                         std::min(kPanelRows, m.rows - row), panels.data + p * panels.panel_bytes);
    }
  }
};

// Scratch memory is as large as the kernels say and no larger: sanitizers see what lies behind it.
void Multiply(const Kernels& kernels, const Panels& panels, size_t first, size_t last,
              const Activations& x, size_t n, float* out, size_t out_stride, bool add) {
  const std::unique_ptr<void, decltype(&std::free)> scratch(
      std::aligned_alloc(64, kernels.scratch_bytes(panels.cols)), &std::free);
  kernels.multiply(panels, first, last, x, n, out, out_stride, add,
                   static_cast<uint8_t*>(scratch.get()));
}

// Which blocks are fine: all (that hold anything), or those that stand out.
constexpr float kAll = 0;
constexpr float kOutliers = 8;

struct Rows {
  size_t n;
  size_t cols;
  std::vector<float> floats;
  std::vector<QuantBlock> blocks;
  std::vector<uint64_t> fine_blocks;

  Rows(const Kernels& kernels, std::vector<float> values, size_t width,
       float fine_above = kOutliers)
      : n(values.size() / width),
        cols(width),
        floats(std::move(values)),
        blocks(floats.size() / kQuantBlock),
        fine_blocks(n * View().words()) {
    if (cols % kQuantBlock != 0) return;  // products with floats alone
    for (size_t t = 0; t < n; ++t)
      kernels.quantize(View().Row(t).floats, fine_above, View().Row(t));
  }
  Activations View() { return {cols, floats.data(), blocks.data(), fine_blocks.data()}; }
  bool IsFine(size_t t, size_t block) {
    return (View().Row(t).fine_blocks[block / 64] >> (block % 64) & 1) != 0;
  }
  // The step of the whole numbers in row t's block.
  double Step(size_t t, size_t block) {
    const double scale = View().Row(t).blocks[block].scale;
    return IsFine(t, block) ? scale / 128 : scale;
  }
};

TEST_CASE("panels give back every row bit by bit") {
  for (const Kernels* kernels : Usable()) {
    for (const TensorType type : kTypes) {
      for (const size_t rows : {1, 15, 16, 17, 50}) {
        CAPTURE(kernels->name, GetTensorType(type).name, rows);
        Random random(static_cast<uint32_t>(rows));
        const Matrix m(type, rows, 512, random);
        const Packed packed(*kernels, m);
        std::vector<float> row(m.cols);
        for (size_t r = 0; r < rows; ++r) {
          kernels->read_row(packed.panels, r, row.data());
          REQUIRE(std::memcmp(row.data(), m.values.data() + r * m.cols, m.cols * 4) == 0);
        }
      }
    }
  }
}

TEST_CASE("types without kernels have panels of no bytes") {
  for (const Kernels* kernels : Usable()) {
    CHECK(kernels->panel_bytes(TensorType::kQ2_K, 256) == 0);
    CHECK(kernels->panel_bytes(TensorType::kI32, 256) == 0);
    CHECK_FALSE(kernels->wants_quantized(TensorType::kF16));
    CHECK(kernels->wants_quantized(TensorType::kQ8_0));
  }
}

// Some blocks of some rows become fine where rounding is coarse.
std::vector<float> NormalsWithOutliers(Random& random, size_t n) {
  std::vector<float> values = random.Normals(n);
  for (size_t i = 7; i < n; i += 1300) values[i] *= 60;
  return values;
}

// Checks out [n][rows] against sums in double precision.
void CheckProduct(const Kernels& kernels, const Matrix& m, Rows& x, const std::vector<float>& out) {
  const bool quantized = kernels.wants_quantized(m.type);
  for (size_t t = 0; t < x.n; ++t) {
    for (size_t r = 0; r < m.rows; ++r) {
      double sum = 0;
      double absolute = 0;
      double rounding = 0;  // of the activations: half a step of their block each
      for (size_t c = 0; c < m.cols; ++c) {
        const double value = x.floats[t * m.cols + c];
        const double magnitude = m.magnitude[r * m.cols + c];
        sum += m.values[r * m.cols + c] * value;
        absolute += magnitude * std::fabs(value);
        if (quantized) {
          // 1.3e-26: where a whole block is smaller, it counts as zero.
          rounding += magnitude * (0.502 * x.Step(t, c / kQuantBlock) + 1.3e-26);
        }
      }
      const double terms = quantized ? 2.0 * static_cast<double>(m.cols) / kQuantBlock + 4
                                     : 2 * std::sqrt(static_cast<double>(m.cols) / 4 + 4);
      const double tolerance = rounding + terms * kUnit * absolute;
      CAPTURE(t, r, sum, out[t * m.rows + r]);
      REQUIRE(std::fabs(out[t * m.rows + r] - sum) <= tolerance);
    }
  }
}

TEST_CASE("products are those of double precision within their rounding") {
  for (const Kernels* kernels : Usable()) {
    for (const TensorType type : kTypes) {
      for (const size_t rows : {1, 16, 37, 85}) {
        for (const size_t n : {1, 2, 13, 37}) {
          const size_t cols = rows == 85 ? 2304 : 512;  // more blocks than a word has bits
          CAPTURE(kernels->name, GetTensorType(type).name, rows, n);
          Random random(static_cast<uint32_t>(rows * 31 + n));
          const Matrix m(type, rows, cols, random);
          const Packed packed(*kernels, m);
          for (const float fine_above : {kAll, kOutliers}) {
            Rows x(*kernels, NormalsWithOutliers(random, n * m.cols), m.cols, fine_above);
            std::vector<float> out(n * rows);
            Multiply(*kernels, packed.panels, 0, packed.panels.count(), x.View(), n, out.data(),
                     rows, false);
            CheckProduct(*kernels, m, x, out);
          }
        }
      }
    }
  }
}

TEST_CASE("products of the largest weights and activations do not overflow") {
  for (const Kernels* kernels : Usable()) {
    for (const TensorType type : {TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ8_0}) {
      for (const float value : {1.0f, -1.0f, 1e30f, 1e-36f, 1e-42f, 0.0f}) {
        CAPTURE(kernels->name, GetTensorType(type).name, value);
        Random random(1);
        const Matrix m(type, 20, 128, random, true);
        const Packed packed(*kernels, m);
        for (const size_t n : {1, 9, 20}) {
          for (const float fine_above : {kAll, kOutliers}) {
            Rows x(*kernels, std::vector<float>(n * m.cols, value), m.cols, fine_above);
            std::vector<float> out(n * m.rows);
            Multiply(*kernels, packed.panels, 0, packed.panels.count(), x.View(), n, out.data(),
                     m.rows, false);
            CheckProduct(*kernels, m, x, out);
          }
        }
      }
    }
  }
}

TEST_CASE("a product is the same bit by bit however it is cut") {
  for (const Kernels* kernels : Usable()) {
    for (const TensorType type : kTypes) {
      CAPTURE(kernels->name, GetTensorType(type).name);
      Random random(5);
      const Matrix m(type, 85, 512, random);
      const Packed packed(*kernels, m);
      constexpr size_t kN = 29;
      Rows x(*kernels, NormalsWithOutliers(random, kN * m.cols), m.cols);
      const size_t panels = packed.panels.count();
      std::vector<float> whole(kN * m.rows);
      Multiply(*kernels, packed.panels, 0, panels, x.View(), kN, whole.data(), m.rows, false);
      for (size_t n = 1; n <= kN; ++n) {
        std::vector<float> cut(kN * m.rows, -1.0f);
        const size_t middle = n % (panels + 1);
        for (size_t t = 0; t < kN; t += n) {
          const size_t count = std::min(n, kN - t);
          float* out = cut.data() + t * m.rows;
          Multiply(*kernels, packed.panels, 0, middle, x.View().Row(t), count, out, m.rows, false);
          Multiply(*kernels, packed.panels, middle, panels, x.View().Row(t), count, out, m.rows,
                   false);
        }
        REQUIRE(std::memcmp(whole.data(), cut.data(), whole.size() * 4) == 0);
      }
      std::vector<float> added_whole(kN * m.rows, 2.0f);
      std::vector<float> added_singly = added_whole;
      Multiply(*kernels, packed.panels, 0, panels, x.View(), kN, added_whole.data(), m.rows, true);
      for (size_t t = 0; t < kN; ++t) {
        Multiply(*kernels, packed.panels, 0, panels, x.View().Row(t), 1,
                 added_singly.data() + t * m.rows, m.rows, true);
      }
      REQUIRE(added_whole == added_singly);
      // Added to what is there, and nothing beside the rows is touched.
      std::vector<float> sums(2 * (m.rows + 3), 2.0f);
      Multiply(*kernels, packed.panels, 0, panels, x.View(), 2, sums.data(), m.rows + 3, true);
      for (size_t i = 0; i < sums.size(); ++i) {
        const size_t row = i % (m.rows + 3);
        const float added = row < m.rows ? whole[i / (m.rows + 3) * m.rows + row] : 0.0f;
        REQUIRE(sums[i] == 2.0f + added);
      }
    }
  }
}

TEST_CASE("a product with what is not finite is not finite") {
  for (const Kernels* kernels : Usable()) {
    for (const TensorType type : {TensorType::kQ4_1, TensorType::kQ8_0, TensorType::kQ6_K}) {
      for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
        for (const size_t n : {1, 5, 18}) {
          CAPTURE(kernels->name, GetTensorType(type).name, bad, n);
          Random random(6);
          const Matrix m(type, 20, 512, random);
          const Packed packed(*kernels, m);
          std::vector<float> values = random.Normals(n * m.cols);
          values[20] = bad;
          Rows x(*kernels, std::move(values), m.cols);
          std::vector<float> out(n * m.rows);
          Multiply(*kernels, packed.panels, 0, packed.panels.count(), x.View(), n, out.data(),
                   m.rows, false);
          for (size_t i = 0; i < out.size(); ++i) CHECK(std::isfinite(out[i]) == (i >= m.rows));
        }
      }
    }
  }
}

TEST_CASE("keys beyond what F16 holds keep their order") {
  for (const Kernels* kernels : Usable()) {
    CAPTURE(kernels->name);
    constexpr size_t kDim = 32;
    const size_t bytes = KvBytes(KvType::kF16, kDim);
    std::vector<uint8_t> block(2 * bytes);
    for (size_t p = 0; p < 16; ++p) {
      std::vector<float> key(kDim, 0.0f);
      key[0] = p == 3 ? 1e5f : 1.0f;
      const std::vector<float> value(kDim, static_cast<float>(p));
      kernels->store_kv(KvType::kF16, key.data(), value.data(), kDim, p, block.data(),
                        block.data() + bytes);
    }
    const uint8_t* keys = block.data();
    const uint8_t* values = block.data() + bytes;
    std::vector<float> query(kDim, 1.0f);
    std::vector<float> sums(kDim);
    const QueryRow row = {query.data(), 0, 15};
    AttentionState state = {0, 0, sums.data()};
    AttentionChunk chunk;
    chunk.type = KvType::kF16;
    chunk.head_dim = kDim;
    chunk.keys = &keys;
    chunk.values = &values;
    chunk.end = 16;
    kernels->attend(chunk, &row, 1, &state);
    CHECK(state.values[0] / state.total == 3.0f);
  }
}

TEST_CASE("activations are quantized to within half a step") {
  for (const Kernels* kernels : Usable()) {
    for (const float fine_above : {kAll, kOutliers}) {
      CAPTURE(kernels->name, fine_above);
      Random random(8);
      std::vector<float> values = random.Normals(320);
      std::fill_n(values.begin() + 32, 32, 0.0f);
      values[64] = 1000;  // its block stands out
      Rows x(*kernels, values, 320, fine_above);
      for (size_t b = 0; b < 10; ++b) {
        const QuantBlock& block = x.blocks[b];
        float top = 0;
        int32_t high = 0;
        int32_t low = 0;
        for (size_t i = 0; i < 32; ++i) {
          const double whole = block.high[i] + block.low[i] / 128.0;
          const float value = values[b * 32 + i];
          top = std::max(top, std::fabs(value));
          high += block.high[i];
          low += block.low[i];
          REQUIRE(std::fabs(whole * block.scale - value) <= 0.502 * x.Step(0, b));
          REQUIRE((x.IsFine(0, b) || block.low[i] == 0));
          if (i == 15) {
            CHECK(block.high_offset.first == -128 * high);
            CHECK(block.fine_offset.first == -128 * (128 * high + low));
          }
        }
        CHECK(block.scale == Approx(top / 127.0f));
        CHECK(block.sum == Approx(block.scale * (high + low / 128.0)));
        CHECK(block.high_offset.whole == -128 * high);
        CHECK(block.fine_offset.whole == -128 * (128 * high + low));
        // Nearly all of what rounding would take lies in block 2.
        CHECK(x.IsFine(0, b) == ((fine_above == kAll && b != 1) || b == 2));
      }
    }
  }
}

TEST_CASE("rms_norm is x / sqrt(mean(x^2) + epsilon) times the weight") {
  for (const Kernels* kernels : Usable()) {
    for (const size_t n : {16, 48, 576, 1024}) {
      CAPTURE(kernels->name, n);
      Random random(static_cast<uint32_t>(n));
      const std::vector<float> x = random.Normals(n);
      const std::vector<float> weight = random.Normals(n);
      std::vector<float> out(n);
      kernels->rms_norm(x.data(), weight.data(), n, 1e-5f, out.data());
      double squares = 0;
      for (const float v : x) squares += static_cast<double>(v) * v;
      const double scale = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
      const double relative = (static_cast<double>(n) / 16 + 16 + 6) * kUnit;
      for (size_t i = 0; i < n; ++i) {
        const double expected = x[i] * scale * weight[i];
        REQUIRE(std::fabs(out[i] - expected) <= relative * std::fabs(expected) + 1e-37);
      }
      // In place, as the norms behind a block use it.
      std::vector<float> same = x;
      kernels->rms_norm(same.data(), weight.data(), n, 1e-5f, same.data());
      CHECK(same == out);
    }
  }
}

TEST_CASE("gates follow the exact functions over the whole range") {
  std::vector<float> gate;
  for (int i = -4000; i < 4000; ++i) gate.push_back(static_cast<float>(i) / 40.0f);
  for (const float x : {0.0f, -0.0f, 1e-30f, -1e-30f, 1e4f, -1e4f, 3e38f, -3e38f})
    gate.push_back(x);
  while (gate.size() % 16 != 0) gate.push_back(0.5f);
  std::vector<float> up(gate.size());
  for (size_t i = 0; i < up.size(); ++i) up[i] = i % 2 == 0 ? 1.0f : -0.75f;
  std::vector<float> out(gate.size());
  for (const Kernels* kernels : Usable()) {
    CAPTURE(kernels->name);
    kernels->gate_silu(gate.data(), up.data(), gate.size(), out.data());
    for (size_t i = 0; i < gate.size(); ++i) {
      const double x = gate[i];
      const double expected = x / (1 + std::exp(-x)) * up[i];
      CAPTURE(x, expected, out[i]);
      // exp to 2 units, three more operations; below e^-87 the result is as good as zero.
      REQUIRE(std::fabs(out[i] - expected) <=
              5 * kUnit * std::fabs(expected) + 1e-37 * std::fabs(x));
    }
    kernels->gate_gelu(gate.data(), up.data(), gate.size(), out.data());
    for (size_t i = 0; i < gate.size(); ++i) {
      const double x = gate[i];
      const double exponent = -2 * 0.79788456080286535588 * (x + 0.044715 * x * x * x);
      const double expected = x / (1 + std::exp(exponent)) * up[i];
      CAPTURE(x, expected, out[i]);
      // The exponent is rounded a few times before exp takes it.
      const double relative = (5 + 4 * std::min(std::fabs(exponent), 90.0)) * kUnit;
      REQUIRE(std::fabs(out[i] - expected) <=
              relative * std::fabs(expected) + 1e-36 * std::fabs(x));
    }
  }
}

TEST_CASE("softcap bounds every value and leaves small ones alone") {
  std::vector<float> values;
  for (float x = -400; x <= 400; x += 3.7f) values.push_back(x);
  for (float x = 1e-6f; x < 1; x *= 3) values.push_back(x);
  for (const Kernels* kernels : Usable()) {
    for (const float cap : {0.5f, 30.0f}) {
      // Lengths that 16 does not divide write nothing behind the end.
      for (const size_t n : {values.size(), size_t{16}, size_t{17}, size_t{3}}) {
        std::vector<float> out = values;
        kernels->softcap(out.data(), n, cap);
        for (size_t i = 0; i < out.size(); ++i) {
          const double expected = i < n ? cap * std::tanh(values[i] / static_cast<double>(cap))
                                        : static_cast<double>(values[i]);
          CAPTURE(kernels->name, cap, n, values[i]);
          // The difference of two numbers near the cap is as exact as they are.
          REQUIRE(std::fabs(out[i] - expected) <= (i < n ? 8 * kUnit * cap : 0));
        }
      }
    }
  }
}

// One kv head of a sequence, stored by the kernels.
struct Cache {
  KvType type;
  size_t head_dim;
  std::vector<float> keys, values;           // [positions][head_dim], as they are read back
  std::vector<std::vector<uint8_t>> blocks;  // per block: keys, then values
  std::vector<const uint8_t*> key_blocks, value_blocks;

  Cache(const Kernels& kernels, KvType t, size_t dim, size_t positions, Random& random)
      : type(t),
        head_dim(dim),
        keys(random.Normals(positions * dim)),
        values(random.Normals(positions * dim)) {
    const size_t half_bytes = KvBytes(type, dim);
    // What was never written is NaN: nothing hidden may reach a result.
    blocks.assign((positions + 15) / 16, std::vector<uint8_t>(2 * half_bytes, 0xff));
    for (size_t p = 0; p < positions; ++p) {
      uint8_t* block = blocks[p / 16].data();
      kernels.store_kv(type, keys.data() + p * dim, values.data() + p * dim, dim, p % 16, block,
                       block + half_bytes);
    }
    for (auto& block : blocks) {
      key_blocks.push_back(block.data());
      value_blocks.push_back(block.data() + half_bytes);
    }
    Round(keys);
    Round(values);
  }

  // What storing makes of some heads.
  void Round(std::vector<float>& heads) const {
    for (float& v : heads) {
      if (type == KvType::kF16) v = HalfToFloat(FloatToHalf(v));
      if (type == KvType::kBF16) v = Bf16ToFloat(FloatToBf16(v));
    }
    if (type != KvType::kQ8_0) return;
    for (size_t at = 0; at < heads.size(); at += kKvQuantBlock) {
      float top = 0;
      for (size_t i = 0; i < kKvQuantBlock; ++i) top = std::max(top, std::fabs(heads[at + i]));
      const float scale = top / 127.0f;
      const float inverse = 1.0f / scale;
      for (size_t i = 0; i < kKvQuantBlock; ++i) {
        heads[at + i] = std::nearbyint(heads[at + i] * inverse) * scale;
      }
    }
  }
};

struct Attention {
  std::vector<AttentionState> merged;
  std::vector<float> memory;
};

// Attention of the rows over everything up to the last row's end, chunk by chunk.
Attention Attend(const Kernels& kernels, const Cache& cache, const std::vector<QueryRow>& rows,
                 size_t at_once) {
  const size_t dim = cache.head_dim;
  Attention result;
  result.memory.assign(2 * rows.size() * dim, 0.0f);
  std::vector<AttentionState> parts(rows.size());
  result.merged.resize(rows.size());
  uint32_t last = 0;
  for (size_t r = 0; r < rows.size(); ++r) {
    result.merged[r].values = result.memory.data() + 2 * r * dim;
    parts[r].values = result.memory.data() + (2 * r + 1) * dim;
    last = std::max(last, rows[r].to);
  }
  for (uint32_t begin = 0; begin <= last; begin += kChunkPositions) {
    const AttentionChunk chunk = {cache.type,
                                  dim,
                                  cache.key_blocks.data() + begin / 16,
                                  cache.value_blocks.data() + begin / 16,
                                  begin,
                                  std::min(begin + kChunkPositions, last + 1)};
    for (size_t r = 0; r < rows.size(); r += at_once) {
      kernels.attend(chunk, rows.data() + r, std::min(at_once, rows.size() - r), parts.data() + r);
    }
    for (size_t r = 0; r < rows.size(); ++r) kernels.merge(parts[r], dim, result.merged[r]);
  }
  return result;
}

TEST_CASE("attention is the softmax over what each row sees") {
  for (const Kernels* kernels : Usable()) {
    for (const KvType type : {KvType::kF32, KvType::kF16, KvType::kBF16, KvType::kQ8_0}) {
      for (const size_t dim : {16, 64, 80, 112, 256}) {
        if (type == KvType::kQ8_0 && dim % kKvQuantBlock != 0) continue;
        for (const uint32_t positions : {1u, 17u, 128u, 300u}) {
          CAPTURE(kernels->name, type, dim, positions);
          Random random(positions + static_cast<uint32_t>(dim));
          const Cache cache(*kernels, type, dim, positions, random);
          constexpr size_t kRows = 11;
          const std::vector<float> queries = random.Normals(kRows * dim);
          std::vector<QueryRow> rows(kRows);
          for (size_t r = 0; r < kRows; ++r) {
            // The last row sees all; the others end earlier, every second one has a window.
            const auto to = static_cast<uint32_t>((positions - 1) * (r + 1) / kRows);
            rows[r] = {queries.data() + r * dim, r % 2 == 1 && to > 20 ? to - 20 : 0, to};
          }
          const Attention result = Attend(*kernels, cache, rows, 4);
          for (size_t r = 0; r < kRows; ++r) {
            std::vector<double> scores;
            double score_error = 0;
            for (uint32_t p = rows[r].from; p <= rows[r].to; ++p) {
              double score = 0;
              double absolute = 0;
              for (size_t i = 0; i < dim; ++i) {
                const double term = static_cast<double>(rows[r].query[i]) * cache.keys[p * dim + i];
                score += term;
                absolute += std::fabs(term);
              }
              scores.push_back(score);
              score_error = std::max(score_error, static_cast<double>(dim) * kUnit * absolute);
            }
            const double top = *std::max_element(scores.begin(), scores.end());
            double total = 0;
            for (double& s : scores) total += s = std::exp(s - top);
            // A weight is off by its score's error, exp, and the sums over positions.
            const double relative =
                2 * score_error + (static_cast<double>(scores.size()) + 16) * kUnit;
            for (size_t i = 0; i < dim; ++i) {
              double expected = 0;
              double absolute = 0;
              for (size_t k = 0; k < scores.size(); ++k) {
                const double term = scores[k] / total * cache.values[(rows[r].from + k) * dim + i];
                expected += term;
                absolute += std::fabs(term);
              }
              const double got = result.merged[r].values[i] / result.merged[r].total;
              CAPTURE(r, i, expected, got);
              REQUIRE(std::fabs(got - expected) <= relative * absolute + 1e-30);
            }
          }
          // However many rows are computed together.
          for (const size_t at_once : {1, 3, 11}) {
            const Attention other = Attend(*kernels, cache, rows, at_once);
            for (size_t r = 0; r < kRows; ++r) {
              REQUIRE(other.merged[r].total == result.merged[r].total);
              REQUIRE(std::memcmp(other.merged[r].values, result.merged[r].values, dim * 4) == 0);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a row that sees nothing of a chunk weighs nothing") {
  for (const Kernels* kernels : Usable()) {
    CAPTURE(kernels->name);
    Random random(2);
    const Cache cache(*kernels, KvType::kF16, 32, 40, random);
    const std::vector<float> query = random.Normals(32);
    const QueryRow rows[] = {{query.data(), 60, 90}, {query.data(), 0, 39}};
    std::vector<float> memory(96, 7.0f);
    AttentionState states[2] = {{0, 0, memory.data()}, {0, 0, memory.data() + 32}};
    const AttentionChunk chunk = {
        cache.type, 32, cache.key_blocks.data(), cache.value_blocks.data(), 0, 40};
    kernels->attend(chunk, rows, 2, states);
    CHECK(states[0].total == 0);
    CHECK(states[1].total > 0);
    AttentionState into = {0, 0, memory.data() + 64};
    std::fill_n(into.values, 32, 0.0f);
    kernels->merge(states[1], 32, into);
    const std::vector<float> before(into.values, into.values + 32);
    kernels->merge(states[0], 32, into);
    CHECK(std::vector<float>(into.values, into.values + 32) == before);
    CHECK(into.total == states[1].total);
    for (const float v : before) CHECK(std::isfinite(v));
  }
}

TEST_CASE("scores far apart neither overflow nor vanish") {
  for (const Kernels* kernels : Usable()) {
    CAPTURE(kernels->name);
    Random random(4);
    Cache cache(*kernels, KvType::kF32, 16, 200, random);
    std::vector<float> query(16, 0.0f);
    query[0] = 1000;  // scores of several thousand
    const Attention result = Attend(*kernels, cache, {{query.data(), 0, 199}}, 1);
    size_t best = 0;
    for (size_t p = 0; p < 200; ++p) {
      if (cache.keys[p * 16] > cache.keys[best * 16]) best = p;
    }
    for (size_t i = 0; i < 16; ++i) {
      CHECK(result.merged[0].values[i] / result.merged[0].total ==
            Approx(cache.values[best * 16 + i]).margin(1e-3));
    }
  }
}

}  // namespace
}  // namespace hearth::model::cpu
