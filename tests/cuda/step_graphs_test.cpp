// Steps as graphs: the same logits as launch by launch, whatever moves in between.
#include "model/backend/cuda/step_graphs.h"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "model/evaluator.h"
#include "tests/cuda/on_device.h"
#include "tests/support/files.h"

namespace hearth::model {
namespace {

int GraphLaunches() {
#ifdef HEARTH_CUDA_ON_DEVICE
  return -1;
#else
  return cuda_on_host::graph_launches;
#endif
}

TokenId TokenAt(size_t sequence, size_t i) {
  return static_cast<TokenId>((3 + sequence * 91 + i * i * 7) % 250);
}

// The logits of `steps` tokens of two sequences. `between` is read by a third one, in one piece,
// after each `every` steps.
std::vector<std::vector<float>> Decode(Evaluator& evaluator, size_t steps, size_t every,
                                       size_t between) {
  std::vector<std::vector<float>> logits;
  const test::OverlappingLaunches overlapping;
  evaluator.Reset(3);
  const auto keep = [&](size_t, uint32_t, std::span<const float> row) {
    logits.emplace_back(row.begin(), row.end());
  };
  for (size_t i = 0; i < steps; ++i) {
    const TokenId a[] = {TokenAt(0, i)};
    const TokenId b[] = {TokenAt(1, i)};
    const Evaluator::Input inputs[] = {{0, a}, {1, b}};
    REQUIRE(evaluator.Append(inputs, keep).ok());
    if (every == 0 || (i + 1) % every != 0) continue;
    std::vector<TokenId> text(between);
    for (size_t k = 0; k < between; ++k) text[k] = TokenAt(2, k);
    const Evaluator::Input third[] = {{2, text, Evaluator::Want::kNothing}};
    REQUIRE(evaluator.Append(third, keep).ok());
  }
  return logits;
}

TEST_CASE("steps as graphs give the logits of steps that are launched", "[whole]") {
  auto loaded = Model::Load(test::Golden("inference/tiny/qwen3-test256-Q4_1.gguf").string(),
                            {.backend = BackendKind::kCuda, .weights_only = true});
  REQUIRE(loaded.ok());
  const auto evaluator = *Evaluator::Create(**loaded, KvType::kF16, 1024);
  constexpr size_t kSteps = 20;
  const int before = GraphLaunches();
  const auto graphs = Decode(*evaluator, kSteps, 0, 0);
  // The first is run as it is, the second captured and launched.
  if (!test::kOnDevice) CHECK(GraphLaunches() - before == kSteps - 1);
  // One by one no shape comes twice: each step is launched.
  std::vector<std::vector<float>> launched(2 * kSteps);
  for (const size_t sequence : {0u, 1u}) {
    evaluator->Reset(2);
    std::vector<TokenId> text(kSteps);
    for (size_t i = 0; i < kSteps; ++i) text[i] = TokenAt(sequence, i);
    const auto keep = [&](size_t, uint32_t position, std::span<const float> row) {
      launched[2 * position + sequence].assign(row.begin(), row.end());
    };
    const auto all = std::span<const TokenId>(text);
    size_t at = 0;
    for (const size_t count : {2u, 3u, 4u, 5u, 6u}) {
      const Evaluator::Input input[] = {{sequence, all.subspan(at, count), Evaluator::Want::kAll}};
      REQUIRE(evaluator->Append(input, keep).ok());
      at += count;
    }
  }
  CHECK(graphs == launched);
}

TEST_CASE("a graph is made again when buffers move and when the context outgrows it", "[whole]") {
  auto loaded = Model::Load(test::Golden("inference/tiny/qwen3-test256-Q4_1.gguf").string(),
                            {.backend = BackendKind::kCuda, .weights_only = true});
  REQUIRE(loaded.ok());
  const auto one = *Evaluator::Create(**loaded, KvType::kF16, 2048);
  constexpr size_t kSteps = 12;
  const auto alone = Decode(*one, kSteps, 0, 0);
  // Texts of more tokens than any pass before had move every buffer.
  CHECK(Decode(*one, kSteps, 8, 70) == alone);
  // Another cache lies elsewhere.
  const auto other = *Evaluator::Create(**loaded, KvType::kF16, 1024);
  CHECK(Decode(*other, kSteps, 0, 0) == alone);
  CHECK(Decode(*one, kSteps, 0, 0) == alone);
}

}  // namespace
}  // namespace hearth::model
