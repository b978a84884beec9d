// The CUDA backend whole, run on the host (host/cuda_runtime.h), beside the reference.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "model/evaluator.h"
#include "tests/support/files.h"

namespace hearth::model {
namespace {

constexpr const char* kLlama = "llama-test-F16.gguf";
constexpr const char* kQwen = "qwen3-test256-Q4_1.gguf";

std::unique_ptr<Model> Load(BackendKind backend, const char* file) {
  auto loaded = Model::Load(test::Golden(std::string("inference/tiny/") + file).string(),
                            {.backend = backend, .threads = 1, .weights_only = true});
  REQUIRE(loaded.ok());
  return *std::move(loaded);
}

using Logits = std::map<std::pair<size_t, uint32_t>, std::vector<float>>;

// Two sequences, all their logits.
Logits Run(Model& model, KvType kv, uint32_t chunk) {
  auto evaluator = Evaluator::Create(model, kv, 512);
  REQUIRE(evaluator.ok());
  (*evaluator)->Reset(2);
  std::vector<TokenId> a(21);
  std::vector<TokenId> b(6);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<TokenId>((3 + i * i * 7) % 250);
  for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<TokenId>((90 + i * 31) % 250);
  const Evaluator::Input inputs[] = {{0, a, Evaluator::Want::kAll}, {1, b, Evaluator::Want::kAll}};
  Logits logits;
  const auto keep = [&](size_t sequence, uint32_t position, std::span<const float> row) {
    logits[{sequence, position}].assign(row.begin(), row.end());
  };
  REQUIRE((*evaluator)->Append(inputs, keep, chunk).ok());
  REQUIRE(logits.size() == a.size() + b.size());
  return logits;
}

double Distance(const Logits& a, const Logits& b) {
  double worst = 0;
  for (const auto& [place, row] : a) {
    for (size_t i = 0; i < row.size(); ++i) {
      const double distance = std::fabs(row[i] - b.at(place)[i]);
      worst = std::isnan(distance) ? INFINITY : std::max(worst, distance);
    }
  }
  return worst;
}

TEST_CASE("logits are those of the reference within the rounding of activations") {
  for (const char* file : {kLlama, kQwen}) {
    CAPTURE(file);
    const auto cuda = Load(BackendKind::kCuda, file);
    const auto reference = Load(BackendKind::kReference, file);
    CHECK(Distance(Run(*cuda, KvType::kF32, 64), Run(*reference, KvType::kF32, 64)) < 0.02);
  }
}

TEST_CASE("logits are the same bit by bit however a batch is cut") {
  for (const char* file : {kLlama, kQwen}) {
    const auto cuda = Load(BackendKind::kCuda, file);
    const Logits whole = Run(*cuda, KvType::kF16, 64);
    for (const uint32_t chunk : {1u, 3u}) {
      CAPTURE(file, chunk);
      CHECK(Run(*cuda, KvType::kF16, chunk) == whole);
    }
  }
}

TEST_CASE("keys and values of every type are near those of f32") {
  const auto cuda = Load(BackendKind::kCuda, kQwen);
  const Logits exact = Run(*cuda, KvType::kF32, 64);
  for (const KvType type : {KvType::kF16, KvType::kBF16, KvType::kQ8_0}) {
    CAPTURE(static_cast<int>(type));
    const double distance = Distance(Run(*cuda, type, 64), exact);
    CHECK(distance > 0);
    CHECK(distance < (type == KvType::kF16 ? 0.1 : 1.0));
  }
  const auto llama = Load(BackendKind::kCuda, kLlama);  // heads of 16
  const auto refused = Evaluator::Create(*llama, KvType::kQ8_0, 64);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, Catch::Contains("use f16 or bf16"));
}

}  // namespace
}  // namespace hearth::model
