// The first layers on the device, the rest on the CPU.
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "model/backend/backend.h"
#include "model/evaluator.h"
#include "tests/support/files.h"

namespace hearth::model {
namespace {

std::vector<float> LogitsOf(const ModelOptions& options) {
  auto model = Model::Load(test::Golden("inference/tiny/llama-test-F16.gguf").string(), options);
  REQUIRE(model.ok());
  auto evaluator = Evaluator::Create(**model, KvType::kF32, 128);
  REQUIRE(evaluator.ok());
  (*evaluator)->Reset(2);
  std::vector<float> logits;
  const auto keep = [&](size_t, uint32_t, std::span<const float> row) {
    logits.insert(logits.end(), row.begin(), row.end());
  };
  const TokenId a[] = {3, 10, 31, 66, 115, 178};
  const TokenId b[] = {90, 121, 152};
  // All at once, then one by one.
  const Evaluator::Input first[] = {{0, a, Evaluator::Want::kAll}, {1, b, Evaluator::Want::kLast}};
  REQUIRE((*evaluator)->Append(first, keep).ok());
  for (const TokenId token : a) {
    const Evaluator::Input next[] = {{0, std::span(&token, 1)}, {1, std::span(&token, 1)}};
    REQUIRE((*evaluator)->Append(next, keep).ok());
  }
  return logits;
}

TEST_CASE("any number of layers on the device gives the logits of the reference", "[whole]") {
  const auto exact = LogitsOf({.backend = BackendKind::kReference, .weights_only = true});
  for (const uint32_t layers : {0u, 1u, 4u, 6u, 100u}) {
    CAPTURE(layers);
    const auto split = LogitsOf(
        {.backend = BackendKind::kCuda, .threads = 2, .gpu_layers = layers, .weights_only = true});
    REQUIRE(split.size() == exact.size());
    float farthest = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
      farthest = std::max(farthest, std::abs(split[i] - exact[i]));
    }
    CHECK(farthest < 0.02f);
  }
}

TEST_CASE("a model says which layers are where, and its device holds the cache of its own",
          "[whole]") {
  const std::string path = test::Golden("inference/tiny/llama-test-F16.gguf").string();
  auto model = Model::Load(
      path, {.backend = BackendKind::kCuda, .threads = 1, .gpu_layers = 4, .weights_only = true});
  REQUIRE(model.ok());
  CHECK_THAT((*model)->DescribeBackend(), Catch::StartsWith("4 of 6 layers: cuda"));
  const auto block_bytes = [&](uint32_t layers) {
    auto backend = CreateCudaBackend((*model)->config(), {.layers = layers});
    REQUIRE(backend.ok());
    return (*backend)->KvBlockBytes(KvType::kF16);
  };
  CHECK(block_bytes(4) * 6 == block_bytes(UINT32_MAX) * 4);
}

}  // namespace
}  // namespace hearth::model
